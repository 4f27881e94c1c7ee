"""The report of `test structured`, and how it is shown; pure."""

from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from orchestrator.cli.render import table
from orchestrator.proofs.proof import Proof, escape_controls, proof_screen
from orchestrator.proofs.structured.judge import (
    SAMPLE_VERDICTS,
    WORST_FIRST,
    Sample,
    SchemaResult,
    count_of,
)
from orchestrator.proofs.structured.subject import Sampling

TEXT_HEAD, TEXT_TAIL = 400, 200  # characters of the worst answer


@dataclass(frozen=True)
class StructuredReport(Proof):
    """One result for each schema, in the order of sending."""

    sampling: Sampling = field(default_factory=Sampling)
    schemas: tuple[SchemaResult, ...] = ()

    @property
    def worst(self) -> Sample | None:
        found = [each.worst for each in self.schemas if each.worst]
        return min(found, key=lambda each: WORST_FIRST.index(each.verdict), default=None)


def structured_screen(report: StructuredReport) -> RenderableType:
    """The findings, the counts by schema, and the worst answer verbatim."""
    rows = table("schema", "compliance", *SAMPLE_VERDICTS)
    for each in report.schemas:
        rate = "-" if each.rate is None else f"{each.rate:.0%}"
        style = "yellow" if each.rate is None else "green" if each.rate == 1 else "bold red"
        counts = (str(count_of(each, verdict) or "-") for verdict in SAMPLE_VERDICTS)
        rows.add_row(Text(each.schema), Text(rate, style=style), *counts)
    parts: list[RenderableType] = [proof_screen("structured test", report), Text(), rows]
    if worst := report.worst:
        parts += [Text(), *(Text(escape_controls(line)) for line in worst_lines(worst))]
    return Group(*parts)


def worst_lines(worst: Sample) -> list[str]:
    head = (
        f"worst answer: sample {worst.number} of {worst.schema}, seed {worst.seed}, {worst.verdict}"
    )
    text = worst.text
    if len(text) > TEXT_HEAD + TEXT_TAIL:
        left_out = len(text) - TEXT_HEAD - TEXT_TAIL
        text = f"{text[:TEXT_HEAD]} ... ({left_out} characters) ... {text[-TEXT_TAIL:]}"
    return [head, *(f"  {error}" for error in worst.errors), *([text] if text else [])]
