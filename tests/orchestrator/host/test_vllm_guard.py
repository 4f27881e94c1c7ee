"""Who gets past the guard before vLLM, and what the others are told."""

import asyncio
from typing import Any

import pytest

from orchestrator.host.vllm_guard import Guard

KEY = "sesame-open-now"


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Guard:
    monkeypatch.setenv("VLLM_API_KEY", KEY)

    async def vllm(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "reached"})

    return Guard(vllm)


def answers(guard: Guard, path: str, *headers: tuple[bytes, bytes], kind: str = "http") -> Any:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": list(headers)}
    asyncio.run(guard(scope, None, send))
    return sent[0]


@pytest.mark.parametrize(
    "path",
    [
        *("/invocations", "/v1/models", "/v1/chat/completions", "/tokenize", "/metrics", "/docs"),
        *("/openapi.json", "/version", "/", "", "/health/", "//health", "/v1/../health", "/HEALTH"),
    ],
)
def test_without_the_key_nothing_is_reached(guard: Guard, path: str) -> None:
    for value in (None, b"Bearer wrong", b"Bearer ", KEY.encode(), b"Bearer " + KEY[:-1].encode()):
        headers = [] if value is None else [(b"authorization", value)]
        said = answers(guard, path, *headers)
        assert (said["type"], said["status"]) == ("http.response.start", 401)


def test_with_the_key_everything_is(guard: Guard) -> None:
    right = (b"authorization", f"Bearer {KEY}".encode())
    assert answers(guard, "/invocations", right) == {"type": "reached"}
    assert answers(guard, "/v1/realtime", right, kind="websocket") == {"type": "reached"}


def test_health_and_the_start_of_the_server_need_none(guard: Guard) -> None:
    assert answers(guard, "/health") == {"type": "reached"}
    assert answers(guard, "", kind="lifespan") == {"type": "reached"}


def test_a_websocket_is_closed(guard: Guard) -> None:
    said = answers(guard, "/v1/realtime", kind="websocket")
    assert said == {"type": "websocket.close", "code": 1008}
