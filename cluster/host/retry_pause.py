"""How long to wait before a server is asked again: as it says, else twice as long each time; pure.

For programs on hosts and for the controller alike. Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import re

TRIES = 4  # in a row, where the server names no pause
USED_UP = re.compile(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d+)")  # RateLimit: "api";r=0;t=55


def may_pass(status: int) -> bool:
    """Whether an error with this status may go away by itself."""
    return status in (408, 429) or status >= 500


def named_pause(rate_limit: str, retry_after: str) -> float | None:
    """Seconds that the headers RateLimit and Retry-After ask for; None where they name none."""
    used_up = USED_UP.search(rate_limit)
    given = used_up.group(1) if used_up else retry_after
    return float(given) if given.isdecimal() else None


def next_pause(tries: int, named_s: float | None, first_s: float = 1.0) -> float | None:
    """Seconds after so many `tries` in a row; None where one more makes no sense.

    A pause that the server names is kept, however many tries there were: the caller limits the sum.
    """
    if named_s is not None:
        return max(first_s, named_s)
    growing: float = first_s * 2 ** (tries - 1)
    return growing if tries < TRIES else None
