"""How far several hosts are with their bytes, in one line."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.reporter import Reporter
from cluster.units import how_far
from orchestrator.models.verify.hashing import Progress


@dataclass
class ProgressLine:
    """Collects what the hosts' threads tell, and reports one line about all of them."""

    reporter: Reporter
    clock: Callable[[], float] = time.monotonic
    guard: threading.Lock = field(default_factory=threading.Lock)
    begun: dict[str, float] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def begin(self, host: str) -> None:
        with self.guard:
            self.begun[host] = self.clock()

    def note(self, host: str, progress: Progress) -> None:
        with self.guard:
            seconds = self.clock() - self.begun[host]
            self.parts[host] = f"{host} {how_far(progress.done, progress.total, seconds)}"
            line = "; ".join(self.parts.values())
        self.reporter.progress(line)

    def end(self, host: str) -> None:
        with self.guard:
            self.parts.pop(host, None)
