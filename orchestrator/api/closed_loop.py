"""Many calls side by side, never more than so many at once."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.api.reply import Outcome
from orchestrator.api.request import Call
from orchestrator.api.send import ANSWER_LIMIT_S, Server, send

Done = Callable[[int, Outcome], None]


@dataclass(frozen=True)
class Limits:
    """Requests at once; seconds for one answer; seconds after which none is sent any more and
    those under way are given up.
    """

    concurrency: int = 1
    timeout_s: float = ANSWER_LIMIT_S
    total_s: float = float("inf")


def ignore(number: int, outcome: Outcome) -> None:
    """Tell nobody."""


async def send_all(
    server: Server, calls: Iterable[Call], limits: Limits, done: Done = ignore
) -> list[Outcome]:
    """Send the calls in order; outcomes in the same order, `done` as each one ends.

    Calls that were not sent within `total_s` are missing at the end, so that they may be endless.
    """
    numbered = enumerate(calls)
    found: dict[int, Outcome] = {}
    end = time.monotonic() + limits.total_s

    async def work() -> None:
        while (left := end - time.monotonic()) > 0 and (pair := next(numbered, None)):
            number, call = pair
            outcome = await send(server, call, timeout_s=min(limits.timeout_s, left))
            found[number] = outcome
            done(number, outcome)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limits.concurrency):
                group.create_task(work())
    except ExceptionGroup as errors:  # from `calls` or `done`: the caller's own
        raise errors.exceptions[0] from None
    return [found[number] for number in sorted(found)]
