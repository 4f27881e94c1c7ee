"""Whatever a server answers, a call ends in a Reply or a Failure, and the others keep theirs."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.errors import RequestFailed
from orchestrator.api.reply import Failure, Outcome, Piece, Reply
from orchestrator.api.request import Call, chat, completion
from orchestrator.api.send import Server, connected, send
from orchestrator.cli.render import as_json
from tests.served import wire
from tests.served.script import Answer, Request, Tool
from tests.support.mutation import RAW, mutated, mutated_bytes, mutated_json

CALLS = (chat("tiny", "Hello"), completion("tiny", "Hello"))
ANSWERS = (
    Answer("The answer.", cached=2),
    Answer("", tools=(Tool("add", '{"a": 1}', "call-1"), Tool("now", "{}", "call-2"))),
    Answer("caf\u00e9 \U0001f600", finish_reason="length"),
)
ERRORS = (
    {"error": {"message": "scripted", "type": "error", "code": 0}},
    {"detail": [{"msg": "no", "loc": ["body"]}]},
    {"error": "text"},
)
HEADERS: tuple[Mapping[str, str], ...] = (
    {"content-type": "text/event-stream"},
    {"content-type": "application/json; charset=hex"},
    {"content-type": "text/html; charset=undefined"},
    {"content-type": "\x7f"},
    {"content-encoding": "gzip"},
    {"retry-after": "1e999"},
    {"retry-after": "Mon, 01 Jan 0001 00:00:00 -0000"},
    {"retry-after": "nan"},
    {},
)


def heard(call: Call) -> Request:
    return Request(call.path, {}, call.body, 0)


def reasoned(value: Any) -> Any:
    """The same answer as a model says it that thinks aloud."""
    text = json.dumps(value)
    return json.loads(text.replace('"content": "', '"reasoning_content": "'))


@st.composite
def whole_answers(draw: st.DrawFn) -> tuple[Call, bytes]:
    call = draw(st.sampled_from(CALLS))
    call = draw(st.sampled_from([call, call.exact(2)]))
    value = wire.whole(heard(call), draw(st.sampled_from(ANSWERS)))
    value = draw(st.sampled_from([value, reasoned(value), *ERRORS]))
    return call, draw(mutated_json(value))


@st.composite
def streams(draw: st.DrawFn) -> tuple[Call, bytes]:
    call = draw(st.sampled_from(CALLS)).streamed()
    call = draw(st.sampled_from([call, call.exact(2)]))
    events = list(wire.stream(heard(call), draw(st.sampled_from(ANSWERS))))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(events) - 1))
        if events[place] == "[DONE]":
            continue
        try:
            value = json.loads(events[place])
        except (ValueError, RecursionError):
            continue
        value = draw(st.sampled_from([value, reasoned(value), *ERRORS]))
        made = draw(mutated(value))
        events[place] = draw(st.sampled_from([json.dumps(made), *RAW]) | st.just(json.dumps(made)))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = "".join(f"data: {event}{end}{end}" for event in events)
    return call, draw(mutated_bytes(text.encode()))


class InPieces(httpx.AsyncByteStream):
    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = content, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._size):
            yield self._content[start : start + self._size]


def answering(content: bytes, status: int, headers: Mapping[str, str], size: int) -> Server:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=InPieces(content, size))

    return Server("http://server.invalid", httpx.MockTransport(answer))


def sound(outcome: Outcome) -> None:
    """Typed to the last part, so that whatever shows, stores or judges it can rely on it."""
    reply = outcome.partial if isinstance(outcome, Failure) else outcome
    as_json(outcome).encode()
    if isinstance(outcome, Failure):
        str(RequestFailed(outcome, "http://server.invalid")).encode()
    if reply is None:
        return
    words = [reply.text, reply.reasoning, reply.model, reply.finish_reason or ""]
    words += [part for call in reply.tool_calls for part in (call.id, call.name, call.arguments)]
    ranked = [each for place in reply.places for each in (place.chosen, *place.top)]
    "".join([*words, *(each.token for each in ranked)]).encode()
    assert all(type(each.logprob) is float for each in ranked)
    usage = reply.usage
    numbers = [usage.prompt, usage.completion, usage.cached]
    numbers += [*reply.token_ids, *reply.prompt_token_ids, *(each.id or 0 for each in ranked)]
    assert all(type(number) is int for number in numbers)


@given(
    whole_answers() | streams(),
    st.sampled_from([200, 200, 200, 204, 301, 401, 429, 503]),
    st.sampled_from(HEADERS),
    st.sampled_from([1 << 16, 7, 1000]),
)
def test_anything_that_a_server_answers_is_a_reply_or_a_failure(
    asked: tuple[Call, bytes], status: int, headers: Mapping[str, str], size: int
) -> None:
    call, content = asked
    server = answering(content, status, headers, max(size, len(content) // 1000))
    said: list[Piece] = []
    outcome = asyncio.run(send(server, call, timeout_s=20, hear=said.append))
    sound(outcome)
    "".join(each.text + each.reasoning for each in said).encode()
    if isinstance(outcome, Reply):
        assert status == 200


@given(streams())
def test_one_answer_that_is_none_leaves_the_others(asked: tuple[Call, bytes]) -> None:
    call, content = asked
    good = "".join(f"data: {each}\n\n" for each in wire.stream(heard(call), ANSWERS[0])).encode()
    bodies = iter([good, content, good])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=next(bodies))

    server = Server("http://server.invalid", httpx.MockTransport(answer))
    first, _, last = asyncio.run(send_all(server, [call] * 3, Limits(timeout_s=20)))
    for outcome in (first, last):
        assert isinstance(outcome, Reply)
        assert outcome.text == "The answer."


START = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@st.composite
def wires(draw: st.DrawFn) -> tuple[Call, bytes]:
    """A whole answer as it goes over the wire, with HTTP's own words made wrong."""
    call, content = draw(streams())
    half = len(content) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(e), e) for e in (content[:half], content[half:]) if e)
    return call, draw(mutated_bytes(START + chunks + b"0\r\n\r\n"))


@given(st.lists(wires(), min_size=4, max_size=4))
def test_http_that_is_none(asked: list[tuple[Call, bytes]]) -> None:
    async def run() -> list[Outcome]:
        left = iter([content for _, content in asked])

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(next(left))
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            async with connected(f"http://127.0.0.1:{port}") as server:
                return [await send(server, call, timeout_s=20) for call, _ in asked]

    for outcome in asyncio.run(run()):
        sound(outcome)
