"""Waiting with a limit; the one importer of tenacity."""

from collections.abc import Callable
from typing import TypeVar

import tenacity

T = TypeVar("T")


class WaitedTooLong(Exception):
    """The condition never came true within the limit."""


def poll(check: Callable[[], T | None], *, timeout_s: float, every_s: float = 0.25) -> T:
    """Call `check` until it gives a value. An exception of its own ends the wait at once.

    Raises WaitedTooLong after `timeout_s` seconds.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda value: value is None),
        stop=tenacity.stop_after_delay(timeout_s),
        wait=tenacity.wait_fixed(every_s),
    )
    try:
        value = retrying(check)
    except tenacity.RetryError:
        raise WaitedTooLong(f"not within {timeout_s:g} s") from None
    assert value is not None
    return value
