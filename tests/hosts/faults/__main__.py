"""`scripts/faults [WORD ...]`: every fault under every verb, or those whose names have a word."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.hosts.faults.cell import COLUMNS, Cell, run_cell
from tests.hosts.faults.fault import VERBS, Fault
from tests.hosts.faults.ground import ground
from tests.hosts.faults.table import FAULTS
from tests.hosts.lab import Lab
from tests.testbed.testbed import Testbed, default_state

STATE = Path(f"{default_state()}-faults")
HEADER = f"{'fault':36} {'verb':14} {'s':>5}  " + "  ".join(COLUMNS)


def chosen(words: Sequence[str]) -> Iterator[Fault]:
    yield from (f for f in FAULTS if not words or any(word in f.name for word in words))


def line(cell: Cell) -> str:
    marks = ("WRONG" if name in cell.wrong else "ok" for name in COLUMNS)
    cells = "  ".join(f"{mark:{len(name)}}" for name, mark in zip(COLUMNS, marks, strict=True))
    return f"{cell.fault:36} {cell.verb:14} {cell.seconds:5.1f}  {cells}".rstrip()


def main() -> int:
    """Print a row a cell as it comes, then what was wrong, in the words of the verb."""
    print(HEADER, flush=True)
    cells: list[Cell] = []
    with Testbed.up(2, state=STATE) as testbed, ground(Lab(testbed).furnish()) as lab:
        for fault in chosen(sys.argv[1:]):
            for verb in VERBS:
                cells.append(run_cell(lab, fault, verb))
                print(line(cells[-1]), flush=True)
    bad = [cell for cell in cells if cell.wrong]
    for cell in bad:
        print(f"\n{cell.fault}, {cell.verb}: {cell.wrong}\n{cell.said}")
    print(f"\n{len(cells) - len(bad)} of {len(cells)} good")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
