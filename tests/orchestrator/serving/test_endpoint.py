"""What a service's labels say, whoever wrote them down, and what one look makes of it."""

from typing import Any

import httpx
import pytest

from orchestrator.serving.endpoint import Endpoint, endpoint_of, gpus_of
from orchestrator.serving.health import TokenCount, read_tokens
from orchestrator.serving.state import Sighting, State, state_of
from tests.support.factory import ended, service

# as a launch of version 0.1.0 wrote it on a host
OLDER: dict[str, Any] = {
    "recipe": "tiny",
    "model": "orchestrate/tiny",
    "revision": "main",
    "served_name": "tiny",
    "host": "0.0.0.0",
    "port": 8200,
    "commit": "",
    "split": "tensor parallel 2 on h1, h2",
    "gpus": {"h1": 1, "h2": 1},
    "made_of": {"recipe": {"name": "tiny"}},
}


def test_what_an_older_orchestrate_wrote_is_read() -> None:
    found = endpoint_of(service("vllm-tiny", about=OLDER))
    assert found
    assert (found.address, found.url, found.is_model) == (
        "127.0.0.1",
        "http://0.0.0.0:8200/v1",
        True,
    )
    assert found.labels() == {key: value for key, value in OLDER.items() if value}


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"port": 8200},
        {**OLDER, "port": "no port"},
        {**OLDER, "port": 70000},
        {**OLDER, "gpus": "many"},
        {**OLDER, "host": None},
    ],
)
def test_what_listens_nowhere_or_is_damaged_is_no_endpoint(about: dict[str, Any]) -> None:
    assert endpoint_of(service("x", about=about)) is None


def test_the_gpus_of_one_that_cannot_be_asked() -> None:
    assert gpus_of(service("x", about={"gpus": {"h1": 2, "h2": "x"}})) == {"h1": 2}
    assert gpus_of(service("x", about={"gpus": 7})) == {}


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (None, State.STARTING),
        (Sighting(listens=False), State.STARTING),
        (Sighting(True, 0.2), State.READY),
        (Sighting(True, tokens=3), State.READY),
        (Sighting(True, problem="HTTP 500"), State.FAILING),
        (Sighting(True), State.FAILING),
    ],
)
def test_states_of_what_is_alive(seen: Sighting | None, state: State) -> None:
    assert state_of(service("x"), seen) is state


def test_states_of_what_is_not() -> None:
    assert state_of(None) is State.STOPPED
    assert state_of(ended("x")) is State.FAILED
    assert state_of(service("x", alive=False)) is State.STOPPING


def test_media_is_an_endpoint_and_no_model() -> None:
    found = Endpoint(host="127.0.0.1", port=8080, folder="/media")
    assert (found.url, found.is_model) == ("http://127.0.0.1:8080/", False)


def metrics(running: int, made: int) -> httpx.MockTransport:
    text = (
        "# TYPE vllm:num_requests_running gauge\n"
        f'vllm:num_requests_running{{engine="0"}} {running}\n'
        "# TYPE vllm:generation_tokens counter\n"
        f'vllm:generation_tokens_total{{engine="0"}} {made}\n'
    )
    return httpx.MockTransport(lambda request: httpx.Response(200, text=text))


def test_vllms_own_counters() -> None:
    with httpx.Client(base_url="http://x", transport=metrics(2, 70)) as http:
        assert read_tokens(http) == TokenCount(2, 70)
    other = httpx.MockTransport(lambda request: httpx.Response(404))
    with httpx.Client(base_url="http://x", transport=other) as http:
        assert read_tokens(http) is None
