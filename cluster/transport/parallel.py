"""The one thread pool: every host at once, an error is a value."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cluster.errors import OrchestrateError

In = TypeVar("In")
Out = TypeVar("Out")
MAX_THREADS = 128


def gather(
    items: Iterable[In], call: Callable[[In], Out], *, finish: bool = False
) -> list[tuple[In, Out | OrchestrateError]]:
    """Call for all items side by side; an error is a value, so that no host hides another.

    After Ctrl-C what has begun is left alone, and the caller closes what it waits for; with
    `finish` it is waited for, so that it can be undone.
    """

    def attempt(item: In) -> tuple[In, Out | OrchestrateError]:
        try:
            return item, call(item)
        except OrchestrateError as error:
            return item, error

    wanted = list(items)
    pool = ThreadPoolExecutor(max(1, min(MAX_THREADS, len(wanted))))
    try:
        return [future.result() for future in [pool.submit(attempt, item) for item in wanted]]
    finally:
        pool.shutdown(wait=finish, cancel_futures=True)
