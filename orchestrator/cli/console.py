"""The only place that prints: progress on standard error, results on standard output."""

import re
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cluster.errors import OrchestrateError

if TYPE_CHECKING:
    from rich.live import Live

# all but tab and newline; half a surrogate pair, which no terminal can be sent
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
PLAIN_S = 5.0  # between two lines of progress where there is no terminal
WIDTH_OF_PIPES = 200  # characters: enough that no row of a table is folded


def clean(text: str) -> str:
    """What a host, a model or a file says is text: it moves no cursor and sets no title."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


class CleanConsole(RichConsole):
    """Every piece of text goes through `clean`, whatever it is part of; rich's own control codes,
    such as those of the live line, are told apart by rich itself.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))


class Console:
    """On a terminal, one live line with the elapsed time; elsewhere, one plain line per event."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else WIDTH_OF_PIPES
        self.out = CleanConsole(highlight=False, soft_wrap=True, width=width)
        self.err = CleanConsole(stderr=True, highlight=False, soft_wrap=True)
        self._begun = self._since = time.monotonic()
        self._live: Live | None = None
        self._waits_for = ""
        self._mid_line = self._mid_aside = False
        self._next_plain = 0.0

    def __enter__(self) -> "Console":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.quiet()
        self.end_line()

    def tell(self, line: str) -> None:
        """Progress: what is being done or waited for right now."""
        elapsed = time.monotonic() - self._begun
        text = f"[{elapsed:6.1f} s] {line}"
        if not self.err.is_terminal:
            self.err.print(text, markup=False)
            return
        self.err.print(text, markup=False, style="dim")
        self._since = time.monotonic()
        self._wait_for(line)

    def progress(self, line: str) -> None:
        """What changes all the time: the live line; elsewhere a plain line every few seconds."""
        if self.err.is_terminal:
            self._wait_for(line)
        elif time.monotonic() >= self._next_plain:
            self._next_plain = time.monotonic() + PLAIN_S
            self.tell(line)

    def _wait_for(self, line: str) -> None:
        self._waits_for = line
        if self._live is None:
            from rich.live import Live  # a pipe has no live line

            self._live = Live(
                console=self.err,
                get_renderable=self._live_line,
                transient=True,
                redirect_stdout=False,
            )
            self._live.start()

    def _live_line(self) -> RenderableType:
        now = time.monotonic()
        text = f"{now - self._begun:4.0f} s, for {now - self._since:.0f} s: {self._waits_for}"
        return Text(text, overflow="ellipsis", no_wrap=True)

    def quiet(self) -> None:
        """Take the live line away."""
        if self._live:
            self._live.stop()
            self._live = None

    def show(self, result: RenderableType) -> None:
        self.quiet()
        self.out.print(result)

    def raw(self, text: str) -> None:
        """Text for a program or to paste: no markup, no wrapping."""
        self.quiet()
        sys.stdout.write(clean(text) + "\n")
        sys.stdout.flush()

    def stream(self, text: str) -> None:
        """A piece of text from a model or a log, as it comes: byte for byte into a file or a pipe,
        while a terminal gets no control characters.
        """
        if not text:
            return
        self.quiet()
        self._end_aside()
        if sys.stdout.isatty():
            text = clean(text)
        sys.stdout.write(text)
        sys.stdout.flush()
        self._mid_line = not text.endswith("\n")

    def aside(self, text: str) -> None:
        """A piece of what a model thinks, as it comes: dim, and on standard error, so that it is no
        part of the answer.
        """
        if not text:
            return
        self.quiet()
        if not self._mid_aside and self._mid_line and sys.stdout.isatty():
            self.stream("\n")
        self.err.print(Text(text), style="dim", end="")
        self._mid_aside = True

    def _end_aside(self) -> None:
        if self._mid_aside:
            self.err.print()
            self._mid_aside = False

    def end_line(self) -> None:
        """Whatever comes next begins on a line of its own."""
        self._end_aside()
        if self._mid_line:
            self.stream("\n")

    def fail(self, error: OrchestrateError) -> None:
        """Each problem on its own, with its place and its hint."""
        self.quiet()
        for problem in error.problems:
            self.err.print("error: ", style="bold red", end="")
            self.err.print(str(problem), markup=False)

    def warn(self, line: str) -> None:
        self.quiet()
        self.err.print("warning: ", style="yellow", end="")
        self.err.print(line, markup=False)
