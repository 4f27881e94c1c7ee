"""What a run sends: the ladder, the lengths, and prompts that are in no cache; pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

from cluster.errors import Problem, UsageError
from orchestrator.api.request import Call, completion
from orchestrator.api.send import ANSWER_LIMIT_S

PROMPT_TEXT = (
    "time year people way day man thing woman life child world school state family student group "
    "country problem hand part place case week company system program question work number night "
    "point home water room mother area money story fact month lot right study book eye job word "
    "business issue side kind head house service friend father power hour game line end member "
    "law car city community name president team minute idea body information back parent face"
)
PROMPT_VOCABULARY = tuple(PROMPT_TEXT.split())
MOST_STEPS = 50


@dataclass(frozen=True)
class LoadStep:
    """One load: `value` requests at once, or `value` requests a second."""

    kind: Literal["concurrency", "rate"]
    value: float

    @property
    def label(self) -> str:
        return f"{self.value:g} at once" if self.kind == "concurrency" else f"{self.value:g}/s"

    @property
    def warmup(self) -> int:
        """Requests before the counted ones: they open connections and make vLLM compile kernels."""
        return max(2, int(self.value)) if self.kind == "concurrency" else 4


@dataclass(frozen=True)
class Workload:
    """Equal for all steps. Lengths in tokens; `requests`, or `duration_s`, for each repeat."""

    steps: tuple[LoadStep, ...]
    requests: int | None = None
    duration_s: float | None = None
    input_tokens: int = 256
    output_tokens: int = 128
    repeats: int = 3
    seed: int = 0
    timeout_s: float = ANSWER_LIMIT_S

    def count(self, step: LoadStep) -> int | None:
        """Requests of one repeat; None where the duration decides."""
        if self.requests is not None or self.duration_s is not None:
            return self.requests
        return max(16, 4 * int(step.value)) if step.kind == "concurrency" else 32


def ladder(concurrency: str | None, rate: str | None) -> tuple[LoadStep, ...]:
    """The steps that the options name. Raises UsageError."""
    if concurrency and rate:
        raise UsageError(Problem("either --concurrency or --rate", hint="run bench once for each"))
    if rate:
        return tuple(LoadStep("rate", value) for value in parse_numbers(rate, "--rate"))
    values = parse_numbers(concurrency or "1,4,16", "--concurrency")
    if any(value != int(value) for value in values):
        raise UsageError(Problem("requests at once are whole numbers", "--concurrency"))
    return tuple(LoadStep("concurrency", value) for value in values)


def parse_numbers(text: str, option: str) -> list[float]:
    problem = Problem(f"`{text}` is not a list of numbers above 0", option, "such as 1,4,16")
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        raise UsageError(problem) from None
    if not all(0 < value < 100_000 for value in found):
        raise UsageError(problem)
    if len(set(found)) != len(found) or len(found) > MOST_STEPS:
        what = f"give each step once, {MOST_STEPS} at most"
        raise UsageError(Problem(what, option))
    return found


@dataclass(frozen=True)
class PromptSource:
    """Makes calls that differ from each other from the first token on.

    `pool` holds token ids of ordinary words; empty for a server without /tokenize: then
    prompts are counted in words, and the report has the server's own token counts. `salt` keeps
    prompts of earlier runs in the prefix cache from matching.
    """

    model: str
    load: Workload
    pool: tuple[int, ...]
    salt: str

    def calls(self, name: str) -> Iterator[Call]:
        """Endless; depends only on seed and name."""
        return (self.call(f"{name}/{number}") for number in count())

    def call(self, name: str) -> Call:
        drawn = random.Random(f"{self.load.seed}/{name}")
        length, most = self.load.input_tokens, self.load.output_tokens
        if not self.pool:
            prompt = " ".join(drawn.choices(PROMPT_VOCABULARY, k=length))
            return completion(self.model, prompt, max_tokens=most, temperature=0).streamed()
        ids = drawn.choices(self.pool, k=length)
        own = {"ignore_eos": True, "cache_salt": self.salt}  # vLLM's
        return completion(self.model, ids, max_tokens=most, temperature=0, **own).streamed()


def arrival_times(load: Workload, step: LoadStep, name: str) -> Iterator[float]:
    """Arrivals of a Poisson process, in seconds: gaps are exponential with the mean 1/rate."""
    drawn, moment, most = random.Random(f"{load.seed}/{name}"), 0.0, load.count(step)
    for number in count():
        moment += drawn.expovariate(step.value)
        late = load.duration_s is not None and moment >= load.duration_s
        if late or (most is not None and number >= most):
            return
        yield moment
