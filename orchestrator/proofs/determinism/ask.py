"""The verb `test determinism`: the same request must have the same answer under any load."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from cluster.reporter import Reporter
from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.pages import PAGE_LIMIT_S
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import Call
from orchestrator.api.send import Server, connected
from orchestrator.api.target import Target
from orchestrator.metrics.read import read_metrics, sum_of
from orchestrator.proofs.determinism.background_load import (
    BackgroundRequest,
    background_call,
    background_requests,
    probe_call,
    probe_prompt,
)
from orchestrator.proofs.determinism.compare import ComparedAnswer

ALONE_SHARE = 10  # of the requests, one in so many is also sent alone, cold and warm
HITS = ("vllm:prefix_cache_hits", "vllm:prefix_cache_hits_total")
BACKGROUND = "background load"


@dataclass(frozen=True)
class DeterminismRequest:
    """What the user wants: `requests` of `tokens` each, `concurrency` at once under load."""

    requests: int
    concurrency: int
    tokens: int
    seed: int
    bitwise: bool = False


@dataclass(frozen=True)
class Condition:
    """How requests are sent. A salt for each: one that is new means a cold cache for it."""

    name: str
    salts: tuple[str, ...]
    at_once: int
    loaded: bool


@dataclass(frozen=True)
class FailedRequest:
    """A request without a whole answer."""

    number: int
    condition: str
    failure: Failure


@dataclass
class Observations:
    """What has come back so far. `hits`: prompt tokens found in the prefix cache, by condition."""

    answers: list[ComparedAnswer] = field(default_factory=list)
    failed: list[FailedRequest] = field(default_factory=list)
    background: list[BackgroundRequest] = field(default_factory=list)
    hits: dict[str, float] = field(default_factory=dict)

    def record(self, number: int, condition: str, outcome: Outcome) -> None:
        if isinstance(outcome, Reply):
            self.answers.append(ComparedAnswer(number, condition, outcome))
        else:
            self.failed.append(FailedRequest(number, condition, outcome))


def conditions_of(request: DeterminismRequest, run: str) -> tuple[Condition, ...]:
    """`run` is new each time: a salt that the server knows already would not be cold."""
    alone = max(2, request.requests // ALONE_SHARE)
    cold, many = request.requests // 2, request.concurrency
    warm = f"{run}-warm"

    def fresh(name: str, count: int) -> tuple[str, ...]:
        return tuple(f"{run}-{name}-{number}" for number in range(count))

    return (
        Condition("alone, cold", (warm, *fresh("alone", alone - 1)), 1, loaded=False),
        Condition("alone, warm", (warm,) * alone, 1, loaded=False),
        Condition("under load, cold", fresh("loaded", cold), many, loaded=True),
        Condition("under load, warm", (warm,) * (request.requests - cold), many, loaded=True),
    )


def new_run() -> str:
    return secrets.token_hex(8)


def observe(
    target: Target, request: DeterminismRequest, run: str, reporter: Reporter
) -> Observations:
    """Send under every condition; nothing more is sent after the first failure."""
    seen, background, sent = Observations(), background_requests(request.seed, request.tokens), 0
    with target.http() as http:
        for condition in conditions_of(request, run):
            count, at_once = len(condition.salts), condition.at_once
            reporter.tell(f"{condition.name}: {count} requests, {at_once} at once")
            before = cache_hits(http)
            state = ConditionRun(seen, background, sent)
            asyncio.run(run_condition(target, request, condition, state))
            after = cache_hits(http)
            if before is not None and after is not None:
                seen.hits[condition.name] = after - before
            if seen.failed:
                break
            sent += count
    seen.answers.sort(key=lambda each: each.number)
    return seen


@dataclass
class ConditionRun:
    """What the compared requests of one condition and the background load share."""

    seen: Observations
    background: Iterator[BackgroundRequest]
    sent_before: int
    over: bool = False


async def run_condition(
    target: Target, request: DeterminismRequest, condition: Condition, state: ConditionRun
) -> None:
    """The background load goes on until the compared requests are answered, then drains."""
    seen, prompt = state.seen, probe_prompt(request.seed)

    def probes() -> Iterator[Call]:
        for salt in condition.salts:
            if seen.failed:
                return
            yield probe_call(target.model, prompt, request.tokens, salt)

    def done(number: int, outcome: Outcome) -> None:
        seen.record(state.sent_before + number + 1, condition.name, outcome)

    async with (
        connected(target.url, target.key, connections=2 * request.concurrency) as server,
        asyncio.TaskGroup() as group,
    ):
        if condition.loaded:
            group.create_task(send_background(server, target.model, request, state))
        await send_all(server, probes(), Limits(condition.at_once), done)
        state.over = True


async def send_background(
    server: Server, model: str, request: DeterminismRequest, state: ConditionRun
) -> None:
    seen = state.seen

    def calls() -> Iterator[Call]:
        while not state.over and not seen.failed:
            each = next(state.background)
            seen.background.append(each)
            yield background_call(model, each)

    def done(number: int, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            seen.failed.append(FailedRequest(number + 1, BACKGROUND, outcome))

    await send_all(server, calls(), Limits(request.concurrency), done)


def cache_hits(http: httpx.Client) -> float | None:
    """Prompt tokens found in the prefix cache so far; None where the server does not count."""
    samples = read_metrics(http, PAGE_LIMIT_S)
    return None if samples is None else sum_of(samples, *HITS)
