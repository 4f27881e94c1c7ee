"""Shows a pace: a bar on a terminal, now and then a line elsewhere."""

import time
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from orchestrator.cli.console import Console
from orchestrator.sampling.rate import SamplingRate

LINE_EVERY_S = 10.0


class ProgressDisplay:
    """While the context lasts. `at` is told after each chunk."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: float | None = None
        self._bar: Progress | None = None
        if console.err.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=console.err, transient=True)

    def __enter__(self) -> "ProgressDisplay":
        self._console.quiet()
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def at(self, pace: SamplingRate) -> None:
        if self._bar:
            done = min(pace.tokens, pace.target)
            self._bar.update(self._task, completed=done, total=pace.target, description=str(pace))
            return
        now = time.monotonic()
        if self._told is None or now - self._told >= LINE_EVERY_S or pace.tokens >= pace.target:
            self._console.tell(str(pace))
            self._told = now
