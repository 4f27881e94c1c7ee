"""Waiting with a limit; the one importer of tenacity."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

T = TypeVar("T")


class WaitedTooLong(Exception):
    """The condition never came true within the limit."""


def poll(check: Callable[[], T | None], *, timeout_s: float, pause: Callable[[], None]) -> T:
    """Call `check`, and `pause` in between, until it gives a value. An exception ends the wait.

    Raises WaitedTooLong after `timeout_s` seconds.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda value: value is None),
        stop=tenacity.stop_after_delay(timeout_s),
        wait=tenacity.wait_none(),
        sleep=lambda _: pause(),
    )
    try:
        value = retrying(check)
    except tenacity.RetryError:
        raise WaitedTooLong(f"not within {timeout_s:g} s") from None
    assert value is not None
    return value


async def again(
    attempt: Callable[[], Awaitable[T]],
    pause_s: Callable[[T, int], float | None],
    *,
    attempts: int,
    waits: Callable[[T, float], None],
) -> T:
    """Await `attempt` until `pause_s`, given its outcome and the count so far, is None.

    `waits` is told of each pause in seconds. After so many `attempts` the last outcome counts.
    """

    def outcome_of(state: tenacity.RetryCallState) -> T:
        assert state.outcome
        return state.outcome.result()  # type: ignore[no-any-return]

    def pause(state: tenacity.RetryCallState) -> float | None:
        return pause_s(outcome_of(state), state.attempt_number)

    retrying = tenacity.AsyncRetrying(
        retry=lambda state: pause(state) is not None,
        stop=tenacity.stop_after_attempt(attempts),
        wait=lambda state: pause(state) or 0.0,
        before_sleep=lambda state: waits(outcome_of(state), pause(state) or 0.0),
        retry_error_callback=outcome_of,
    )
    return await retrying(attempt)
