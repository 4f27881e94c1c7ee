"""How far several hosts are with their bytes, in one line."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.models.verify.hashing import Progress

GB = 1e9  # as the hub and the makers of disks and networks count


@dataclass
class ProgressLine:
    """Collects what the hosts' threads tell, and tells one line about all of them."""

    tell: Callable[[str], None]
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
            self.parts[host] = f"{host} {amount(progress, seconds)}"
            line = "; ".join(self.parts.values())
        self.tell(line)

    def end(self, host: str) -> None:
        with self.guard:
            self.parts.pop(host, None)


def amount(progress: Progress, seconds: float) -> str:
    """As in `3.1 of 12.0 GB, 3.4 GB/s, 3 s left`."""
    text = f"{progress.done / GB:.1f} of {progress.total / GB:.1f} GB"
    if not progress.done or seconds <= 0:
        return text
    rate = progress.done / seconds
    left = (progress.total - progress.done) / rate
    return f"{text}, {rate / GB:.2f} GB/s, {left:.0f} s left"
