"""The report of every test of a live model, and how it is shown; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.finding import Finding
from orchestrator.cli.console import CONTROL
from orchestrator.cli.render import table

STATE_STYLES = {"pass": "green", "warning": "yellow", "failure": "bold red"}


@dataclass(frozen=True)
class Proof:
    """`url` is for display, `model` the served name. Tests add fields of their own."""

    url: str
    model: str
    findings: tuple[Finding, ...]
    passed: bool = field(init=False)

    def __post_init__(self) -> None:
        failed = any(each.state == "failure" for each in self.findings)
        object.__setattr__(self, "passed", not failed)


def proof_screen(title: str, proof: Proof, *lines: str) -> RenderableType:
    """A row for each finding, one for all that say the same, with its hint below, once for equal
    hints in a row; then the lines.
    """
    verdict = "passed" if proof.passed else "FAILED"
    style = "bold green" if proof.passed else "bold red"
    head = Text.assemble(f"{title} of {proof.model} at {proof.url}: ", (verdict, style))
    rows = table("", "check", "note")
    groups = group_findings(proof.findings)
    for found, after in zip_longest(groups, groups[1:]):
        each = found[0]
        rows.add_row(
            Text(each.state, style=STATE_STYLES[each.state]),
            checks_text(found),
            Text(escape_controls(each.what)),
        )
        if each.hint and each.state != "pass" and (after is None or after[0].hint != each.hint):
            rows.add_row("", "", Text(f"hint: {each.hint}", style="dim"))
    return Group(head, rows, *(Text(line) for line in lines))


def group_findings(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Those that are no pass and say the same are one group, where the first of them stands."""
    groups: dict[object, list[Finding]] = {}
    for number, each in enumerate(findings):
        same = number if each.state == "pass" else (each.state, each.what, each.hint)
        groups.setdefault(same, []).append(each)
    return list(groups.values())


def checks_text(found: Sequence[Finding]) -> str:
    first, *others = (each.check for each in found)
    if len(others) < 2:
        return ", ".join((first, *others))
    return f"{len(found)} checks: {first}, ..., {others[-1]}"


def escape_controls(text: str) -> str:
    """A model's text for a terminal: control characters except newline and tab are escaped."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
