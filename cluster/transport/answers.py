"""What programs on a host answer, told apart from what a login shell prints; pure."""

import json
from collections.abc import Iterator
from typing import Any

from cluster.transport.protocol import Session


def last_answer(out: str) -> Any:
    """The JSON value of the last line. Raises ValueError where there is none."""
    lines = out.splitlines()
    return json.loads(lines[-1] if lines else "")


def answers(session: Session, timeout_s: float) -> Iterator[dict[str, Any]]:
    """The JSON objects of a session. Raises TimeoutError after `timeout_s` of silence."""
    for line in session.lines(timeout_s):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
