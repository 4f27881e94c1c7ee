"""What programs on a host answer, told apart from what a login shell prints; pure."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from cluster.transport.protocol import Session


def last_answer(out: str) -> Any:
    """The JSON value of the last line. Raises ValueError where there is none."""
    lines = out.splitlines()
    return parsed(lines[-1] if lines else "")


def parsed(text: str) -> Any:
    """A JSON value that a program of ours may have written. Raises ValueError for any other text,
    for numbers beyond a float and for what is nested deeper than Python goes.
    """
    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        refuse(text)
    return value


def answers(session: Session, timeout_s: float) -> Iterator[dict[str, Any]]:
    """The JSON objects of a session. Raises TimeoutError after `timeout_s` without one: other lines
    are no sign of life.
    """
    heard = time.monotonic()
    for line in session.lines(timeout_s):
        try:
            value = parsed(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            yield value
            heard = time.monotonic()
        elif time.monotonic() - heard > timeout_s:
            raise TimeoutError(f"no answer for {timeout_s:g} s")
