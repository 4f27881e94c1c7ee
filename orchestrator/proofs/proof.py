"""The report of every test of a live model, and how it is shown; pure."""

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
    """A row for each finding with its hint below, once for equal hints in a row; then the lines."""
    verdict = "passed" if proof.passed else "FAILED"
    style = "bold green" if proof.passed else "bold red"
    head = Text.assemble(f"{title} of {proof.model} at {proof.url}: ", (verdict, style))
    rows = table("", "check", "note")
    for each, after in zip_longest(proof.findings, proof.findings[1:]):
        rows.add_row(
            Text(each.state, style=STATE_STYLES[each.state]),
            each.check,
            Text(escape_controls(each.what)),
        )
        if each.hint and each.state != "pass" and (after is None or after.hint != each.hint):
            rows.add_row("", "", Text(f"hint: {each.hint}", style="dim"))
    return Group(head, rows, *(Text(line) for line in lines))


def escape_controls(text: str) -> str:
    """A model's text for a terminal: control characters except newline and tab are escaped."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
