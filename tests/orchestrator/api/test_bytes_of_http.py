"""Whatever bytes a server, or a proxy before it, sends: one answer or one failure, no traceback."""

import gzip
import json

import pytest

from orchestrator.api.closed_loop import Limits
from orchestrator.api.reply import Failure, Reply
from orchestrator.api.request import Call, chat
from tests.orchestrator.api.asking import ask, ask_all, failed, replied
from tests.served.script import Answer, Delivery, Raw, body, in_turn
from tests.served.server import serving
from tests.support.streams.case import END, HALLO
from tests.support.streams.unread import PAGE, WHOLE

CALL = chat("tiny", "Hello")
STREAM = HALLO + END
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def in_chunks(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks)


@pytest.mark.parametrize(
    "kind", ["text/event-stream; charset=utf-8", "application/json", "text/plain", "", "nonsense"]
)
def test_what_counts_is_the_stream_and_not_its_content_type(kind: str) -> None:
    with serving(body(STREAM, kind)) as server:
        assert replied(server.url, CALL.streamed()).text == "Hallo"


@pytest.mark.parametrize(
    ("call", "content"), [(CALL.streamed(), STREAM), (CALL, json.dumps(WHOLE).encode())]
)
def test_a_server_that_compresses_unasked(call: Call, content: bytes) -> None:
    with serving(body(gzip.compress(content), content_encoding="gzip")) as server:
        assert replied(server.url, call).text == "Hallo"


@pytest.mark.parametrize("call", [CALL, CALL.streamed()])
@pytest.mark.parametrize(
    ("delivery", "kind", "said"),
    [
        (body(b"\x1f\x8bno", content_encoding="gzip"), "invalid JSON", "not compressed as"),
        (body(STREAM, content_encoding="gzip"), "invalid JSON", "not compressed as"),
        (body(b"\x00\x01\x02", content_encoding="br"), "invalid JSON", "content-encoding br"),
        (Raw(CHUNKED + b"zz\r\n"), "broken", "the connection broke"),
        (Raw(CHUNKED + b"ff\r\ndata: {"), "broken", "the connection broke"),
        (Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), "broken", "the connection broke"),
        (Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "broken", "the connection broke"),
        (Raw(b"HTTP/9.9 what\r\n\r\n"), "broken", "the connection broke"),
        (Raw(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "broken", "the connection broke"),
        (Raw(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 99_999), "broken", "the connection broke"),
        (Raw(b"HTTP/1.1 200 \xff\xfe\r\n\r\n"), "invalid JSON", "status line"),
        (Raw(b""), "broken", "the connection broke"),
        (body(PAGE, "text/html"), "invalid JSON", "a web page: Sign in Who?"),
        (Raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n" + PAGE), "server error", "a web page: Sign in"),
        (Raw(b"HTTP/1.1 500 X\r\n\r\n" + b"[" * 99_999), "server error", "HTTP 500: [[["),
        (Raw(b'HTTP/1.1 400 X\r\n\r\n{"message": "\\ud83d"}'), "refused", "HTTP 400: \ufffd"),
        (Raw(b"HTTP/1.1 429 X\r\nretry-after: nan\r\n\r\n"), "rate limited", "(nothing)"),
        (Raw(b"HTTP/1.1 204 X\r\n\r\n"), "refused", "HTTP 204: (nothing)"),
        (
            Raw(b"HTTP/1.1 429 X\r\nretry-after: Wed, 21 Oct 99999 07:28:00 GMT\r\n\r\n"),
            "rate limited",
            "(nothing)",
        ),
    ],
)
def test_bytes_that_are_no_answer(call: Call, delivery: Delivery, kind: str, said: str) -> None:
    with serving(delivery) as server:
        failure = failed(server.url, call)
    assert failure.kind == kind
    assert said in str(failure)
    assert failure.retry_after_s is None


def test_a_stream_that_is_cut_within_a_chunk_keeps_what_had_come() -> None:
    with serving(Raw(CHUNKED + in_chunks(HALLO) + b"ff\r\ndata: {")) as server:
        failure = failed(server.url, CALL.streamed())
    assert failure.kind == "broken"
    assert failure.partial is not None
    assert failure.partial.text == "Hallo"


@pytest.mark.parametrize("after", [b"", in_chunks(b": bye\n\n")])
def test_an_answer_is_whole_with_done_though_the_connection_goes_on(after: bytes) -> None:
    """The server never ends it: nothing more is awaited for long."""
    with serving(Raw(CHUNKED + in_chunks(STREAM) + after, stays=True)) as server:
        reply = replied(server.url, CALL.streamed())
    assert reply.text == "Hallo"


def test_one_bad_answer_loses_none_of_the_others() -> None:
    bad = Raw(b"HTTP/1.1 200 \xff\r\n\r\n")
    with serving(in_turn(Answer("one"), bad, body(b"data: []\n\n"), Answer("two"))) as server:
        found = ask_all(server.url, [CALL.streamed()] * 4, Limits(1))
    texts = [each.text for each in found if isinstance(each, Reply)]
    assert texts == ["one", "two"]
    assert [each.kind for each in found if isinstance(each, Failure)] == ["invalid JSON"] * 2


def test_a_body_without_an_end_meets_the_limit() -> None:
    with serving(Raw(CHUNKED + in_chunks(b"data: {"), stays=True)) as server:
        failure = ask(server.url, CALL.streamed(), timeout_s=0.3)
    assert isinstance(failure, Failure)
    assert failure.kind == "timeout"
