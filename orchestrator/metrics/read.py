"""Reads /metrics of a server; callers say which metrics matter."""

import math
from collections.abc import Callable, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def read_metrics(http: httpx.Client, timeout_s: float) -> tuple[Sample, ...] | None:
    """None where the server has no metrics, does not answer in time, or answers something else."""
    try:
        answer = http.get("/metrics", timeout=timeout_s).raise_for_status()
        return parse_metrics(answer.content.decode(errors="replace"))
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):  # the parser's
        return None


def parse_metrics(text: str) -> tuple[Sample, ...]:
    """Samples in Prometheus' text format. Raises ValueError for text of another format."""
    families = text_string_to_metric_families(text)
    return tuple(sample for family in families for sample in family.samples)


def sum_of(
    samples: Sequence[Sample], *names: str, where: Callable[[Sample], bool] = lambda each: True
) -> float | None:
    """The sum over all label sets, as of several engines; None where there is no such sample, or
    where that is no number.
    """
    found = [each.value for each in samples if each.name in names and where(each)]
    total = sum(found)
    return total if found and math.isfinite(total) else None
