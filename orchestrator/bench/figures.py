"""Requests -> figures: rates, percentiles, failures, and the spread of the repeats; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from orchestrator.bench.request_record import Repeat, RequestRecord
from orchestrator.bench.workload import LoadStep

PERCENTS = (50, 95, 99)


@dataclass(frozen=True)
class Metric:
    """Label and unit of a figure; `more` where more is better."""

    label: str
    unit: str
    more: bool = False


def metrics() -> dict[str, Metric]:
    """By the key of a result, in display order."""
    found = {
        "output_tokens_per_s": Metric("output", "tokens/s", more=True),
        "input_tokens_per_s": Metric("input", "tokens/s", more=True),
        "requests_per_s": Metric("requests", "1/s", more=True),
    }
    for name, label in LATENCIES.items():
        for percent in PERCENTS:
            found[f"{name}_p{percent}_s"] = Metric(f"{label} p{percent}", "s")
    return found


LATENCIES = {
    "first_token": "time to first token",
    "between_tokens": "between tokens",
    "per_token": "per token",
    "whole": "whole answer",
}


@dataclass(frozen=True)
class Figure:
    """The median of the repeats, the lowest and the highest."""

    value: float
    low: float
    high: float

    def through(self, change: Callable[[float], float]) -> "Figure":
        """The same figure in another unit."""
        low, high = sorted((change(self.low), change(self.high)))
        return Figure(change(self.value), low, high)


@dataclass(frozen=True)
class StepResult:
    """One load. `figures` are of the answered requests, over complete repeats; `failed` counts the
    others by kind, `what` has the message of the first of each kind.

    `short` answers have fewer tokens than asked for; `uncounted` ones came without usage.
    `in_flight` is the mean number in flight.
    `prefill_share` is the part of the answers' time before the first token.
    """

    step: LoadStep
    repeats: int
    complete: bool
    answered: int
    failed: Mapping[str, int]
    what: Mapping[str, str]
    warmup: int
    warmup_failed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    short: int
    in_flight: float
    late_s: float
    client_busy: float
    prefill_share: float
    figures: Mapping[str, Figure] = field(default_factory=dict)
    uncounted: int = 0

    @property
    def failures(self) -> int:
        return sum(self.failed.values())


def percentile(values: Sequence[float], percent: int) -> float:
    """Of sorted values, linear between neighbours, as numpy does it by default."""
    if len(values) == 1:
        return values[0]
    return (values[0], *quantiles(values, n=100, method="inclusive"), values[-1])[percent]


def step_result(step: LoadStep, repeats: Iterable[Repeat], wanted_tokens: int) -> StepResult:
    """A repeat that was cut short counts for the figures only where no repeat is complete."""
    taken = list(repeats)
    warm = [record for each in taken if each.number == 0 for record in each.records]
    rounds = [each for each in taken if each.number and each.records]
    whole = [each for each in rounds if each.ended] or rounds
    records = [record for each in whole for record in each.records]
    good = answered_records(records)
    bad = [record for record in records if record.failure]
    seconds = sum(span_s(each.records) for each in whole)
    waited = sum(record.total_s for record in good)
    before_first = sum(record.first_token_s or 0.0 for record in good)
    return StepResult(
        step=step,
        repeats=len(whole),
        complete=bool(rounds) and all(each.ended for each in rounds),
        answered=len(good),
        failed=dict(Counter(record.failure for record in bad)),
        what={record.failure: record.what for record in reversed(bad)},
        warmup=len(warm),
        warmup_failed=len(warm) - len(answered_records(warm)),
        input_tokens=sum(record.input_tokens for record in good),
        output_tokens=sum(record.output_tokens for record in good),
        cached_tokens=sum(record.cached_tokens for record in good),
        short=sum(record.counted and record.output_tokens < wanted_tokens for record in good),
        in_flight=sum(record.total_s for record in records) / seconds if seconds else 0.0,
        late_s=max((record.late_s for record in records), default=0.0),
        client_busy=max((each.busy for each in whole), default=0.0),
        prefill_share=before_first / waited if waited else 0.0,
        figures=combine_repeats([repeat_figures(each.records) for each in whole]),
        uncounted=sum(not record.counted for record in good),
    )


def answered_records(records: Iterable[RequestRecord]) -> list[RequestRecord]:
    return [record for record in records if not record.failure]


def span_s(records: Sequence[RequestRecord]) -> float:
    """From the first request to the end of the last one, ramp-up and drain included."""
    if not records:
        return 0.0
    return max(r.at_s + r.total_s for r in records) - min(r.at_s for r in records)


def repeat_figures(records: Sequence[RequestRecord]) -> dict[str, float]:
    """Every figure that these requests give; latencies only of the answered ones."""
    good, seconds = answered_records(records), span_s(records)
    found: dict[str, float] = {}
    if seconds:
        found["output_tokens_per_s"] = sum(r.output_tokens for r in good) / seconds
        if all(record.input_tokens for record in good):  # else they are not known
            found["input_tokens_per_s"] = sum(r.input_tokens for r in good) / seconds
        found["requests_per_s"] = len(good) / seconds
    times: dict[str, Iterable[float | None]] = {
        "first_token": (r.first_token_s for r in good),
        "between_tokens": (gap for r in good for gap in r.gaps_s),
        "per_token": (r.per_token_s for r in good),
        "whole": (r.total_s for r in good),
    }
    for name, values in times.items():
        ordered = sorted(value for value in values if value is not None)
        for percent in PERCENTS if ordered else ():
            found[f"{name}_p{percent}_s"] = percentile(ordered, percent)
    return found


def combine_repeats(found: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    combined = {}
    for key in metrics():
        values = [each[key] for each in found if key in each]
        if values:
            combined[key] = Figure(median(values), min(values), max(values))
    return combined
