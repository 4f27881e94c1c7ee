"""What a person sees of a report."""

from rich.console import Console, RenderableType


def screen_text(renderable: RenderableType) -> str:
    """As on a pipe 150 characters wide: no colours."""
    console = Console(width=150, no_color=True, force_terminal=False)
    with console.capture() as captured:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines())
