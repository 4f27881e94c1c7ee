"""Who else uses the server: vLLM's /metrics, where it has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.samples import Sample

from orchestrator.metrics.read import read_metrics, sum_of

LOAD_LIMIT_S = 2.0
IN_SERVER = ("vllm:num_requests_running", "vllm:num_requests_waiting")
ENDED = "vllm:request_success_total"


@dataclass(frozen=True)
class ServerLoad:
    """Requests in the server now, and requests that have ended well since it was started."""

    in_server: int
    ended: int


def read_load(http: httpx.Client) -> ServerLoad | None:
    """None where the server does not show it."""
    samples = read_metrics(http, LOAD_LIMIT_S)
    return load_in(samples) if samples is not None else None


def load_in(samples: Sequence[Sample]) -> ServerLoad | None:
    """Summed over engines; aborted requests do not count as ended."""
    in_server = sum_of(samples, *IN_SERVER)
    ended = sum_of(samples, ENDED, where=lambda each: each.labels.get("finished_reason") != "abort")
    return None if in_server is None else ServerLoad(int(in_server), int(ended or 0))


def foreign_requests(before: ServerLoad | None, after: ServerLoad | None, ours: int) -> int:
    """Requests that ended in between and were not ours; 0 where the server does not show it."""
    if before is None or after is None or after.ended < before.ended:
        return 0
    return max(0, after.ended - before.ended - ours)
