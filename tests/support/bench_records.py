"""Requests and repeats by hand."""

from orchestrator.bench.figures import StepResult, step_result
from orchestrator.bench.request_record import Repeat, RequestRecord
from orchestrator.bench.workload import LoadStep

FOUR = LoadStep("concurrency", 4)


def record(at_s: float = 0.0, *, first_s: float = 0.1, gap_s: float = 0.01) -> RequestRecord:
    """10 tokens of input, 5 of output: the first after `first_s`, the others `gap_s` apart."""
    return RequestRecord(at_s, 0.0, first_s + 4 * gap_s, first_s, (gap_s,) * 4, 10, 5)


def lost(kind: str = "timeout", *, at_s: float = 0.0, total_s: float = 1.0) -> RequestRecord:
    return RequestRecord(
        at_s, 0.0, total_s, None, (), failure=kind, what="no whole answer within 1 s"
    )


def repeat(number: int, *records: RequestRecord, ended: bool = True) -> Repeat:
    return Repeat(FOUR.label, number, list(records), ended)


def result(*repeats: Repeat, wanted: int = 5) -> StepResult:
    return step_result(FOUR, repeats, wanted)
