"""The faults that say most in little time; `scripts/faults` makes every one of the table."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.hosts.faults.cell import run_cell
from tests.hosts.faults.fault import VERBS
from tests.hosts.faults.ground import ground
from tests.hosts.faults.table import FAULTS
from tests.hosts.lab import Lab

CHOSEN = {  # what each would show first, and the verbs under which it does
    "the head's home is read-only": ("cluster start", "teardown"),
    "the head's ~/.orchestrate is closed": ("serve", "teardown"),
    "records are folders": ("cluster start", "status", "teardown"),
    "records name a stranger's pid": ("cluster start", "teardown"),
    "somebody holds a garbled lock": ("teardown",),
    "nodes.toml renames the worker": ("teardown",),
    "python3 is missing": ("status",),
    "shell and python3 print banners": ("cluster start",),
    "the driver talks garbage": ("cluster start",),
    "the connection ends under a change": ("teardown",),
    "weights are cut short": ("serve",),
}
CELLS = [(name, verb) for name, verbs in CHOSEN.items() for verb in verbs]


@pytest.fixture(scope="module")
def broken(furnished: Lab) -> Iterator[Lab]:
    with ground(furnished) as lab:
        yield lab


@pytest.mark.hosts
@pytest.mark.parametrize(("name", "verb"), CELLS)
def test_a_fault_under_a_verb(broken: Lab, name: str, verb: str) -> None:
    (fault,) = (each for each in FAULTS if each.name == name)
    cell = run_cell(broken, fault, verb)
    assert not cell.wrong, cell.said


def test_each_fault_has_a_name_of_its_own_and_a_code_for_each_verb() -> None:
    assert max(Counter(fault.name for fault in FAULTS).values()) == 1
    for fault in FAULTS:
        assert len(fault.codes.split()) == len(fault.before) == len(VERBS)
