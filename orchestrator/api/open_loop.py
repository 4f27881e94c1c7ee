"""Calls that are sent at given moments, however many are still under way."""

import asyncio
import time
from collections.abc import Callable, Iterable

from orchestrator.api.reply import Outcome
from orchestrator.api.request import Call
from orchestrator.api.send import ANSWER_LIMIT_S, Server, send

Arrived = Callable[[float, float, Outcome], None]


async def send_at(
    server: Server,
    timed: Iterable[tuple[float, Call]],
    done: Arrived,
    *,
    timeout_s: float = ANSWER_LIMIT_S,
) -> None:
    """Each call at its moment, in seconds from now, in order.

    `done` gets the moment, how much later than that the call was sent, and the outcome.
    """
    begun = time.perf_counter()

    async def one(at_s: float, call: Call) -> None:
        late_s = max(0.0, time.perf_counter() - begun - at_s)
        done(at_s, late_s, await send(server, call, timeout_s=timeout_s))

    try:
        async with asyncio.TaskGroup() as group:
            for at_s, call in timed:
                await asyncio.sleep(begun + at_s - time.perf_counter())
                group.create_task(one(at_s, call))
    except ExceptionGroup as errors:  # from `timed` or `done`: the caller's own
        raise errors.exceptions[0] from None
