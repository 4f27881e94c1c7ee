"""Who else uses the server: vLLM's /metrics, where it can be seen."""

import re
from dataclasses import dataclass

import httpx

LOOK_LIMIT_S = 2.0
COUNTED = re.compile(
    r"^vllm:(num_requests_running|num_requests_waiting|request_success_total)"
    r"\{([^}]*)\} (\S+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Look:
    """Requests in the server at this moment, and those it has ended well since it was started."""

    inside: int
    ended: int


def look(http: httpx.Client) -> Look | None:
    """None where it cannot be seen."""
    try:
        return parsed(http.get("/metrics", timeout=LOOK_LIMIT_S).raise_for_status().text)
    except httpx.HTTPError:
        return None


def parsed(text: str) -> Look | None:
    """Summed over engines; aborted requests do not count as ended."""
    inside, ended, seen = 0.0, 0.0, False
    for name, labels, value in COUNTED.findall(text):
        if name == "request_success_total":
            ended += 0 if 'finished_reason="abort"' in labels else float(value)
        else:
            inside, seen = inside + float(value), True
    return Look(int(inside), int(ended)) if seen else None


def others_between(before: Look | None, after: Look | None, ours: int) -> int:
    """Requests that were not ours and ended between two looks; 0 where it cannot be seen."""
    if before is None or after is None or after.ended < before.ended:
        return 0
    return max(0, after.ended - before.ended - ours)
