"""What the load generator itself costs: a server that answers at once, in a process of its own."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.reply import Reply
from orchestrator.api.request import Call, completion
from orchestrator.api.send import connected
from tests.bench.timing import Row, seconds

ROUNDS, REQUESTS, AT_ONCE = 5, 2000, 32
CALL = completion("tiny", "Hello, my name is", max_tokens=8, temperature=0)


@contextmanager
def served_apart(*words: str) -> Iterator[str]:
    """The scripted server, in a process of its own; its address."""
    words = (sys.executable, "-m", "tests.served", *words)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        yield run.stdout.readline().strip()
        assert run.stdin
        run.stdin.close()


def ours(url: str, call: Call) -> None:
    async def load() -> None:
        async with connected(url, connections=AT_ONCE) as server:
            outcomes = await send_all(server, [call] * REQUESTS, Limits(AT_ONCE))
        assert all(isinstance(outcome, Reply) for outcome in outcomes)

    asyncio.run(load())


def plain_httpx(url: str) -> None:
    async def load() -> None:
        left = iter(range(REQUESTS))
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(base_url=url, limits=limits) as http:

            async def work() -> None:
                for _ in left:
                    answer = await http.post(CALL.path, json=dict(CALL.body))
                    answer.json()

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    asyncio.run(load())


def bench_load() -> Iterator[Row]:
    """In turn, on the same server."""
    with served_apart() as url:
        ours(url, CALL)
        rounds = [
            (
                seconds(lambda: ours(url, CALL)),
                seconds(lambda: plain_httpx(url)),
                seconds(lambda: ours(url, CALL.streamed())),
            )
            for _ in range(ROUNDS)
        ]
    whole, plain, streamed = zip(*rounds, strict=True)
    what = f"{REQUESTS:,} requests, {AT_ONCE} at once"
    yield Row(f"{what}, against httpx.AsyncClient", whole, plain, "<= 1 s")
    yield Row(f"{what}, streams of 4 tokens", streamed)
