"""A comparison on one screen; pure."""

from rich.console import Group, RenderableType
from rich.text import Text

from orchestrator.bench.compare import Change, RunComparison, StepChanges
from orchestrator.bench.figures import Figure
from orchestrator.bench.screen import plus_minus
from orchestrator.cli.render import table

VERDICT_STYLES = {
    "better": "green",
    "worse": "bold red",
    "within noise": "",
    "noise unknown": "yellow",
}


def compare_screen(found: RunComparison) -> RenderableType:
    """The differences, then a table for each step."""
    parts: list[RenderableType] = [Text(f"A: {found.a}\nB: {found.b}")]
    parts += [Text(f"warning: {each}", style="bold yellow") for each in found.warnings]
    parts += [Text(), difference_table(found)]
    for step in found.steps:
        parts += [Text(), step_table(step)]
    for name, labels in (("A", found.only_a), ("B", found.only_b)):
        if labels:
            parts.append(Text(f"only in {name}: {', '.join(labels)}"))
    return Group(*parts, Text(), Text(noise_text(found), style="dim"))


def difference_table(found: RunComparison) -> RenderableType:
    if not found.differs:
        return Text("the same recipe, arguments, versions and hosts, as far as is known")
    rows = table("differs", "A", "B")
    for each in found.differs:
        rows.add_row(each.what, Text(each.a or "-"), Text(each.b or "-"))
    return rows


def step_table(step: StepChanges) -> RenderableType:
    rows = table(step.step, "A", "B", "change", "")
    if step.failed_a or step.failed_b:
        failed = (Text(str(each), style="bold red") for each in (step.failed_a, step.failed_b))
        rows.add_row("failed requests", *failed, "", "")
    for each in step.changes:
        change = "-" if each.percent is None else f"{each.percent:+.1f} %"
        verdict = Text(each.verdict, style=VERDICT_STYLES[each.verdict])
        rows.add_row(f"{each.label}, {unit_of(each)}", *change_cells(each), change, verdict)
    return rows


def unit_of(change: Change) -> str:
    return "ms" if change.unit == "s" else change.unit


def change_cells(change: Change) -> tuple[str, str]:
    times = 1000 if change.unit == "s" else 1

    def cell(figure: Figure) -> str:
        return plus_minus(figure.through(lambda value: value * times))

    return cell(change.a), cell(change.b)


def noise_text(found: RunComparison) -> str:
    if found.chance is None:
        return "noise unknown: bench with --repeats 3 or more"
    return (
        "figure: median of the repeats, ± the largest deviation; better, worse: the repeats of A "
        "and B do not overlap.\nWith two equal servers, "
        f"{found.chance:.2g} of the figures would seem so by chance: more repeats reduce it"
    )
