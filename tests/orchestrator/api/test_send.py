"""One call and what comes back of it, against the scripted server."""

import socket

import pytest

from orchestrator.api.reply import Failure, Ranked, Reply, ToolCall, Usage
from orchestrator.api.request import Call, chat, completion
from tests.orchestrator.api.asking import ask, failed, replied
from tests.served.script import Answer, Broken, Hang, Says, Slow, Status, Tool
from tests.served.server import serving

CHAT, PLAIN = chat("tiny", "Hello"), completion("tiny", "Hello")
BOTH = pytest.mark.parametrize("call", [CHAT, PLAIN], ids=["chat", "completions"])
WAYS = pytest.mark.parametrize(
    "call", [CHAT, CHAT.streamed(), PLAIN, PLAIN.streamed()], ids=["c", "cs", "p", "ps"]
)
ANSWER = Answer("The answer is 42.", cached=2)


@WAYS
def test_an_answer(call: Call) -> None:
    with serving(ANSWER) as server:
        reply = replied(server.url, call)
    assert (reply.text, reply.finish_reason, reply.model) == ("The answer is 42.", "stop", "tiny")
    assert reply.usage == Usage(prompt=5, completion=4, cached=2)
    assert (reply.token_ids, reply.places, reply.tool_calls) == ((), (), ())
    timing = reply.timing
    if call.streams:
        assert timing.first_token_s is not None
        assert 0 < timing.first_token_s <= timing.total_s
        assert len(timing.gaps_s) == 3
    else:
        assert (timing.first_token_s, timing.gaps_s) == (None, ())


@BOTH
def test_exact_answers_name_every_token_by_id(call: Call) -> None:
    with serving(ANSWER) as server:
        whole = replied(server.url, call.exact(2))
        parts = replied(server.url, call.exact(2).streamed())
    ids = tuple(token.id for token in ANSWER.tokens)
    assert whole.token_ids == parts.token_ids == ids
    assert whole.places == parts.places
    assert [place.chosen.id for place in whole.places] == list(ids)
    assert whole.places[0].top == (
        Ranked(f"token_id:{ids[0]}", -0.25),
        Ranked(f"token_id:{ids[0] + 50_000}", -1.5),
    )
    assert Ranked("The", -1.0).id is None


@pytest.mark.parametrize("call", [CHAT, CHAT.streamed()])
def test_tool_calls(call: Call) -> None:
    tools = (Tool("add", '{"a": 1, "b": 2}', "call-1"), Tool("now", "{}", "call-2"))
    with serving(Answer("", tools=tools)) as server:
        reply = replied(server.url, call)
    expected = (ToolCall("call-1", "add", '{"a": 1, "b": 2}'), ToolCall("call-2", "now", "{}"))
    assert reply.tool_calls == expected
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")


def test_a_stream_is_heard_as_it_comes() -> None:
    heard: list[str] = []
    with serving(Slow(ANSWER, 0.001)) as server:
        ask(server.url, CHAT.streamed(), hear=lambda piece: heard.append(piece.text))
    assert [text for text in heard if text] == ["The", " answer", " is", " 42."]


def test_truncated_is_told_apart() -> None:
    with serving(Answer("one two", finish_reason="length")) as server:
        assert replied(server.url, PLAIN).truncated


def test_the_key_travels_in_a_header() -> None:
    with serving(ANSWER, key="open-sesame") as server:
        assert isinstance(ask(server.url, PLAIN, key="open-sesame"), Reply)
        refused = failed(server.url, PLAIN)
    assert (refused.kind, refused.status, refused.what) == ("refused", 401, "Unauthorized")


@pytest.mark.parametrize(
    ("status", "kind", "what", "wait_s"),
    [
        (Status(429, headers={"Retry-After": "3"}), "rate limited", "scripted", 3.0),
        (Status(429, headers={"Retry-After": "soon"}), "rate limited", "scripted", None),
        (
            Status(503, "busy", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
            "server error",
            "busy",
            0.0,
        ),
        (Status(500, ""), "server error", "(nothing)", None),
        (Status(400, '{"message": "too long"}'), "refused", "too long", None),
        (Status(302, "", {"Location": "http://elsewhere.invalid"}), "refused", "(nothing)", None),
    ],
)
def test_errors_of_http(status: Status, kind: str, what: str, wait_s: float | None) -> None:
    with serving(status) as server:
        failure = failed(server.url, PLAIN)
    assert (failure.kind, failure.what, failure.retry_after_s) == (kind, what, wait_s)
    assert str(failure) == f"HTTP {status.code}: {what}"


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", '{"choices": []}', '{"choices": 7}', "7"])
def test_what_is_no_answer(text: str) -> None:
    with serving(Status(200, text)) as server:
        assert failed(server.url, CHAT).kind == "invalid JSON"


@pytest.mark.parametrize("text", ["<html>", "[]", '{"choices": [', '{"choices": 7}', "7"])
def test_what_is_no_part_of_a_stream(text: str) -> None:
    with serving(Says(ANSWER, 2, text)) as server:
        failure = failed(server.url, CHAT.streamed())
    assert failure.kind == "invalid JSON"
    assert failure.partial is not None
    assert failure.partial.text == "The"


def test_an_error_inside_a_stream() -> None:
    error = '{"error": {"message": "EngineCore died", "code": 500}}'
    with serving(Says(ANSWER, 3, error)) as server:
        failure = failed(server.url, PLAIN.streamed())
    assert (failure.kind, failure.what) == ("server error", "EngineCore died")


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_broken_stream_keeps_what_had_come(after: int) -> None:
    with serving(Broken(ANSWER, after)) as server:
        failure = failed(server.url, PLAIN.streamed())
    assert failure.kind == "broken"
    came = failure.partial.text if failure.partial else ""
    assert came == {0: "", 1: "The", 3: "The answer is"}[after]


def test_a_stream_without_an_end_is_broken() -> None:
    with serving(Answer("one", finish_reason="")) as server:
        failure = failed(server.url, PLAIN.streamed())
    assert (failure.kind, failure.what) == (
        "broken",
        "the server ended the stream with [DONE], but gave no finish_reason",
    )


def test_a_server_that_hangs_meets_the_limit() -> None:
    with serving(Hang()) as server:
        failure = failed(server.url, PLAIN, timeout_s=0.2)
    assert (failure.kind, failure.what) == ("timeout", "no whole answer within 0.2 s")


def test_a_stream_that_trickles_meets_the_limit_too() -> None:
    with serving(Slow(Answer("a " * 1000), 0.02)) as server:
        failure = failed(server.url, PLAIN.streamed(), timeout_s=0.3)
    assert failure.kind == "timeout"
    assert failure.partial is not None
    assert failure.partial.text.startswith("a")


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        failure = failed(f"http://127.0.0.1:{closed.getsockname()[1]}", PLAIN)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.partial) == ("connect", None, None)
    assert "no connection to http://127.0.0.1" in failure.what


def test_no_such_host() -> None:
    assert failed("http://nowhere.invalid:8000", PLAIN).kind == "connect"
