"""The verb `test determinism`: the same request must have the same answer, whatever its company."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from cluster.transport.parallel import Tell
from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import Call
from orchestrator.api.send import Server, connected
from orchestrator.api.target import ASK_LIMIT_S, Target
from orchestrator.metrics.read import read_metrics, sum_of
from orchestrator.proofs.determinism.background_load import (
    Companion,
    companions,
    company,
    probe,
    prompt_of,
)
from orchestrator.proofs.determinism.compare import Asked

ALONE_SHARE = 10  # of the requests, one in so many is also asked alone, cold and warm
HITS = ("vllm:prefix_cache_hits", "vllm:prefix_cache_hits_total")
CROWD = "crowd"


@dataclass(frozen=True)
class Ask:
    """What the user asked for: `requests` of `tokens` each, so many at a time, in the crowd."""

    requests: int
    concurrency: int
    tokens: int
    seed: int
    bitwise: bool = False


@dataclass(frozen=True)
class Way:
    """One way of asking. `salts` are those of its requests: a new one each time is a cold cache."""

    name: str
    salts: tuple[str, ...]
    at_once: int
    crowded: bool


@dataclass(frozen=True)
class Lost:
    """A request without a whole answer."""

    number: int
    way: str
    failure: Failure


@dataclass
class Heard:
    """What has come back so far. `hits`: tokens of prompts that the prefix cache had, by way."""

    asked: list[Asked] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    crowd: list[Companion] = field(default_factory=list)
    hits: dict[str, float] = field(default_factory=dict)

    def take(self, number: int, way: str, outcome: Outcome) -> None:
        if isinstance(outcome, Reply):
            self.asked.append(Asked(number, way, outcome))
        else:
            self.lost.append(Lost(number, way, outcome))


def ways_of(ask: Ask, run: str) -> tuple[Way, ...]:
    """`run` is new each time: a salt that the server has seen before would not be cold."""
    alone = max(2, ask.requests // ALONE_SHARE)
    cold, many = ask.requests // 2, ask.concurrency
    warm = f"{run}-warm"

    def fresh(name: str, count: int) -> tuple[str, ...]:
        return tuple(f"{run}-{name}-{number}" for number in range(count))

    return (
        Way("alone, cold", (warm, *fresh("alone", alone - 1)), 1, crowded=False),
        Way("alone, warm", (warm,) * alone, 1, crowded=False),
        Way("crowded, cold", fresh("crowded", cold), many, crowded=True),
        Way("crowded, warm", (warm,) * (ask.requests - cold), many, crowded=True),
    )


def new_run() -> str:
    return secrets.token_hex(8)


def hear(target: Target, ask: Ask, run: str, tell: Tell) -> Heard:
    """Ask in all ways; nothing more is sent after the first failure."""
    heard, others, sent = Heard(), companions(ask.seed, ask.tokens), 0
    with target.http() as http:
        for way in ways_of(ask, run):
            tell(f"{way.name}: {len(way.salts)} requests, {way.at_once} at a time")
            before = cache_hits(http)
            asyncio.run(one_way(target, ask, way, Sending(heard, others, sent)))
            after = cache_hits(http)
            if before is not None and after is not None:
                heard.hits[way.name] = after - before
            if heard.lost:
                break
            sent += len(way.salts)
    heard.asked.sort(key=lambda each: each.number)
    return heard


@dataclass
class Sending:
    """What the requests of one way, and the crowd around them, share."""

    heard: Heard
    others: Iterator[Companion]
    sent_before: int
    over: bool = False


async def one_way(target: Target, ask: Ask, way: Way, sending: Sending) -> None:
    """The crowd sends until the compared requests are answered, then ends what it has begun."""
    heard, prompt = sending.heard, prompt_of(ask.seed)

    def probes() -> Iterator[Call]:
        for salt in way.salts:
            if heard.lost:
                return
            yield probe(target.model, prompt, ask.tokens, salt)

    def done(number: int, outcome: Outcome) -> None:
        heard.take(sending.sent_before + number + 1, way.name, outcome)

    async with (
        connected(target.url, target.key, connections=2 * ask.concurrency) as server,
        asyncio.TaskGroup() as group,
    ):
        if way.crowded:
            group.create_task(crowd_in(server, target.model, ask, sending))
        await send_all(server, probes(), Limits(way.at_once), done)
        sending.over = True


async def crowd_in(server: Server, model: str, ask: Ask, sending: Sending) -> None:
    heard = sending.heard

    def calls() -> Iterator[Call]:
        while not sending.over and not heard.lost:
            each = next(sending.others)
            heard.crowd.append(each)
            yield company(model, each)

    def done(number: int, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            heard.lost.append(Lost(number + 1, CROWD, outcome))

    await send_all(server, calls(), Limits(ask.concurrency), done)


def cache_hits(http: httpx.Client) -> float | None:
    """Prompt tokens that the prefix cache has had so far; None where the server does not count."""
    samples = read_metrics(http, ASK_LIMIT_S)
    return None if samples is None else sum_of(samples, *HITS)
