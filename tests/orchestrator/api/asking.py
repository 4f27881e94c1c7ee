"""Sends calls to a scripted server from a test that knows no asyncio."""

import asyncio
from collections.abc import Iterable

from orchestrator.api.closed_loop import Done, Limits, ignore, send_all
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import Call
from orchestrator.api.send import Hear, connected, send, unheard


def ask(
    url: str,
    call: Call,
    *,
    key: str = "",
    timeout_s: float = 20,
    hear: Hear = unheard,
) -> Outcome:
    async def run() -> Outcome:
        async with connected(url, key) as server:
            return await send(server, call, timeout_s=timeout_s, hear=hear)

    return asyncio.run(run())


def replied(url: str, call: Call) -> Reply:
    outcome = ask(url, call)
    assert isinstance(outcome, Reply), outcome
    return outcome


def failed(url: str, call: Call, *, timeout_s: float = 20) -> Failure:
    outcome = ask(url, call, timeout_s=timeout_s)
    assert isinstance(outcome, Failure), outcome
    return outcome


def ask_all(url: str, calls: Iterable[Call], limits: Limits, done: Done = ignore) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with connected(url, connections=limits.concurrency) as server:
            return await send_all(server, calls, limits, done)

    return asyncio.run(run())
