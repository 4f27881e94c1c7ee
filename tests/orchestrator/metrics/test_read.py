"""What a server's /metrics says, whatever it says."""

import httpx
import pytest

from orchestrator.metrics.read import parse_metrics, sum_of
from orchestrator.sampling.server_load import read_load
from orchestrator.serving.health import RUNNING, read_tokens


def server(text: str) -> httpx.Client:
    road = httpx.MockTransport(lambda request: httpx.Response(200, text=text))
    return httpx.Client(transport=road, base_url="http://server.invalid")


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e999"])
def test_a_count_that_is_none_is_not_shown(value: str) -> None:
    text = f"{RUNNING} {value}\n"
    assert sum_of(parse_metrics(text), RUNNING) is None
    assert read_tokens(server(text)) is None
    assert read_load(server(text)) is None


def test_counts_are_summed_over_engines() -> None:
    text = f'{RUNNING}{{engine="0"}} 1\n{RUNNING}{{engine="1"}} 2\n'
    assert sum_of(parse_metrics(text), RUNNING) == 3
