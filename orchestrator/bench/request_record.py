"""One request of a run, as it is counted and saved; pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from orchestrator.api.reply import Failure, Outcome

EMPTY_ANSWER = "empty answer"
DECIMALS = 6  # of a second


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Seconds; `at_s` from the start of the repeat, the others from `at_s`.

    `at_s` is when the request should have been sent: latencies include the time that it was sent
    late, which is `late_s`. `failure` is empty, or the kind of failure. `counted`: the server gave
    its usage; else the output tokens are the pieces of the stream, and the input is unknown, 0.
    """

    at_s: float
    late_s: float
    total_s: float
    first_token_s: float | None
    gaps_s: tuple[float, ...]
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    failure: str = ""
    what: str = ""
    counted: bool = True

    @property
    def per_token_s(self) -> float | None:
        """Mean time of a token after the first one; None for a single token."""
        if self.first_token_s is None or self.output_tokens < 2:
            return None
        return (self.total_s - self.first_token_s) / (self.output_tokens - 1)


def record_of(at_s: float, late_s: float, outcome: Outcome) -> RequestRecord:
    """An answer without tokens is a failure too: it has no time to the first token."""
    timing = outcome.timing
    first = None if timing.first_token_s is None else timing.first_token_s + late_s
    total_s = timing.total_s + late_s
    if isinstance(outcome, Failure):
        what = str(outcome)
        return RequestRecord(
            at_s, late_s, total_s, first, timing.gaps_s, failure=outcome.kind, what=what
        )
    usage = outcome.usage
    seen = 0 if first is None else len(timing.gaps_s) + 1
    if first is None and usage.completion:
        first = total_s  # its only token had no text and came with the end
    empty = first is None
    return RequestRecord(
        at_s,
        late_s,
        total_s,
        first,
        timing.gaps_s,
        usage.prompt,
        usage.completion or seen,
        usage.cached,
        failure=EMPTY_ANSWER if empty else "",
        what="the answer has no tokens" if empty else "",
        counted=bool(usage.completion or empty),
    )


@dataclass
class Repeat:
    """One repeat of a step; grows while it runs. Number 0 is the warm-up.

    `busy` is the load generator's own CPU time, as a share of one core.
    """

    step: str
    number: int
    records: list[RequestRecord]
    ended: bool = False
    busy: float = 0.0

    def lines(self) -> Iterable[str]:
        """JSON, one line a request."""
        for record in self.records:
            values = {key: round_floats(value) for key, value in asdict(record).items()}
            yield json.dumps({"step": self.step, "repeat": self.number, **values})


def round_floats(value: object) -> object:
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, tuple):
        return [round_floats(each) for each in value]
    return value
