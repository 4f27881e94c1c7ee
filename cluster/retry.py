"""Waiting with a limit; the one importer of tenacity."""

from collections.abc import Callable
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
