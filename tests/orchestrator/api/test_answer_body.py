"""Every kind of body, whole and in single bytes, is read as the table of cases says."""

import json
from typing import Any

import pytest

from orchestrator.api.answer_body import AnswerStream, conclude_answer, read_whole
from orchestrator.api.fields import NoAnswer
from orchestrator.api.reply import Failure, Outcome, Reply, ToolCall
from orchestrator.api.stream_parser import Collector
from orchestrator.api.tool_parts import LEGACY, NOT_TEXT
from tests.support.streams.case import OSLO, Reading, StreamCase, Unread
from tests.support.streams.frames import FRAMES
from tests.support.streams.texts import TEXTS
from tests.support.streams.tools import TOOLS
from tests.support.streams.unread import ERROR, PAGE, UNREAD, WHOLE

STREAM_CASES = (*FRAMES, *TEXTS, *TOOLS, *UNREAD)


def streamed(body: bytes, size: int) -> Outcome:
    """The outcome of a stream that comes in pieces of so many bytes."""
    collector = Collector(0.0, 0.0)
    stream = AnswerStream(collector)
    try:
        for start in range(0, len(body), size):
            for _ in stream.feed(body[start : start + size], 1.0):
                pass
        return conclude_answer(collector, stream, 2.0)
    except NoAnswer as error:
        return collector.failure(error.kind, str(error), 2.0)


def read(body: bytes) -> Outcome:
    collector = Collector(0.0, 0.0)
    try:
        read_whole(body, collector)
        return conclude_answer(collector, None, 2.0)
    except NoAnswer as error:
        return collector.failure(error.kind, str(error), 2.0)


def reading_of(reply: Reply) -> Reading:
    return Reading(
        reply.text,
        reply.reasoning,
        reply.tool_calls,
        reply.finish_reason or "",
        (reply.usage.prompt, reply.usage.completion),
        reply.refusal,
        reply.faults,
    )


@pytest.mark.parametrize("size", [1, 1 << 20], ids=["bytes", "whole"])
@pytest.mark.parametrize("case", STREAM_CASES, ids=lambda case: case.name)
def test_streams(case: StreamCase, size: int) -> None:
    outcome = streamed(case.body, size if len(case.body) < 20_000 else 4096)
    if isinstance(case.right, Reading):
        assert isinstance(outcome, Reply), outcome
        assert reading_of(outcome) == case.right
        return
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind == case.right.kind
    assert case.right.said in outcome.what
    assert (outcome.partial.text if outcome.partial else "") == case.right.partial


def said(**message: Any) -> Any:
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


FUNCTION = {"name": "weather", "arguments": OSLO}


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (WHOLE, Reading("Hallo")),
        (said(content=[{"type": "text", "text": "Hallo"}]), Reading("Hallo")),
        (said(content=None, reasoning="Hm", reasoning_content="Hm"), Reading(reasoning="Hm")),
        (said(content=None, refusal="No."), Reading(refusal="No.")),
        (
            said(content=None, tool_calls=[{"id": "c0", "function": FUNCTION}]),
            Reading(tools=(ToolCall("c0", "weather", OSLO),)),
        ),
        (
            said(tool_calls=[{"id": "c0", "function": {**FUNCTION, "arguments": {"a": 1}}}]),
            Reading(tools=(ToolCall("c0", "weather", '{"a": 1}'),), faults=(NOT_TEXT,)),
        ),
        (
            said(function_call=FUNCTION),
            Reading(tools=(ToolCall("", "weather", OSLO),), faults=(LEGACY,)),
        ),
    ],
)
def test_whole_answers(value: Any, right: Reading) -> None:
    outcome = read(json.dumps(value).encode())
    assert isinstance(outcome, Reply), outcome
    assert reading_of(outcome) == right


@pytest.mark.parametrize(
    ("body", "right"),
    [
        (b"", Unread("invalid JSON", "no answer in: (nothing)")),
        (PAGE, Unread("invalid JSON", "a web page: Sign in Who?")),
        (b"data: {}\n\n", Unread("invalid JSON", "a stream came, though none was asked for")),
        (json.dumps({"error": ERROR}).encode(), Unread("server error", "EngineCore died")),
        (json.dumps({"choices": []}).encode(), Unread("invalid JSON", "it has no `choices`")),
        (b"[" * 100_000, Unread("invalid JSON", "no answer in: [[[")),
        (
            json.dumps({"choices": [{"message": {"content": "a"}}]}).encode(),
            Unread("broken", "the answer has no finish_reason", "a"),
        ),
    ],
)
def test_what_is_no_whole_answer(body: bytes, right: Unread) -> None:
    outcome = read(body)
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind == right.kind
    assert right.said in outcome.what
