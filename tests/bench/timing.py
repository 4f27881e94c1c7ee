"""Time things and print a table; knows nothing of hosts."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: ours and the reference in seconds, their ratio, and what it must reach."""

    what: str
    ours: Sequence[float]
    reference: Sequence[float] = ()
    target: str = ""

    def __str__(self) -> str:
        ours = statistics.median(self.ours)
        cells = [f"{self.what:<44}", f"{ours:8.2f}", f"{spread(self.ours):>15}"]
        if self.reference:
            reference = statistics.median(self.reference)
            cells += [
                f"{reference:8.2f}",
                f"{spread(self.reference):>15}",
                f"{ours / reference:6.2f}",
            ]
        else:
            cells += [" " * 8, " " * 15, " " * 6]
        return "  ".join([*cells, self.target])


COLUMNS = ("ours", " " * 15, "other", " " * 15, "ratio")
HEADER = "  ".join(
    [
        f"{'(seconds, median and range)':<44}",
        *(f"{name:>{width}}" for name, width in zip(COLUMNS, (8, 15, 8, 15, 6), strict=True)),
        "target",
    ]
)


def spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def seconds(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
