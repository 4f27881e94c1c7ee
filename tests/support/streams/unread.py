"""What is no answer, or only the beginning of one."""

import json

from tests.support.streams.case import DONE, HALLO, StreamCase, Unread, delta, event, tool

WHOLE = {"choices": [{"message": {"content": "Hallo"}, "finish_reason": "stop"}]}
ERROR = {"message": "EngineCore died", "type": "error", "code": 500}
PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title><style>a {}</style></head>"
    b"<body>Who?</body></html>"
)
UNREAD = (
    StreamCase("nothing", b"", Unread("broken", "the answer has no body")),
    StreamCase("cut off", HALLO, Unread("broken", "was cut off", "Hallo")),
    StreamCase(
        "cut off within an event", HALLO + b"data: {", Unread("broken", "was cut off", "Hallo")
    ),
    StreamCase("cut off in the first event", b'data: {"cho', Unread("broken", "was cut off")),
    StreamCase(
        "finish_reason null at the end",
        HALLO + DONE,
        Unread("broken", "gave no finish_reason", "Hallo"),
    ),
    StreamCase(
        "an engine that gave up",
        HALLO + delta("error") + DONE,
        Unread("server error", "finish_reason `error`", "Hallo"),
    ),
    StreamCase(
        "an aborted request",
        HALLO + delta("abort"),
        Unread("server error", "finish_reason `abort`", "Hallo"),
    ),
    StreamCase(
        "an error object",
        HALLO + event({"error": ERROR}) + DONE,
        Unread("server error", "EngineCore died", "Hallo"),
    ),
    StreamCase(
        "an error of words",
        HALLO + event({"error": "out of memory"}),
        Unread("server error", "out of memory", "Hallo"),
    ),
    StreamCase(
        "an error of vLLM's older kind",
        HALLO + event({"object": "error", **ERROR}),
        Unread("server error", "EngineCore died", "Hallo"),
    ),
    StreamCase(
        "an error of FastAPI",
        HALLO + event({"detail": "gone"}),
        Unread("server error", "gone", "Hallo"),
    ),
    StreamCase(
        "an error beside choices",
        event({"error": ERROR, "choices": []}),
        Unread("server error", "EngineCore died"),
    ),
    StreamCase(
        "event: error",
        HALLO + b"event: error\n" + event(ERROR),
        Unread("server error", "EngineCore died", "Hallo"),
    ),
    StreamCase(
        "event: error in words",
        HALLO + b"event: error\ndata: it burns\n\n",
        Unread("server error", "it burns", "Hallo"),
    ),
    StreamCase(
        "an error before the stream",
        json.dumps({"error": ERROR}).encode(),
        Unread("server error", "HTTP 200, and yet an error: EngineCore died"),
    ),
    StreamCase(
        "a whole answer",
        json.dumps(WHOLE).encode(),
        Unread("no stream", 'a whole answer came in place of a stream: {"choices"'),
    ),
    StreamCase("a web page", PAGE, Unread("invalid JSON", "a web page: Sign in Who?")),
    StreamCase(
        "plain words",
        b"upstream timed out",
        Unread("invalid JSON", "no stream of events, but upstream timed out"),
    ),
    StreamCase(
        "JSON lines",
        b'{"response": "a"}\n{"done": true}\n',
        Unread("invalid JSON", 'but {"response"'),
    ),
    StreamCase(
        "words in an event",
        HALLO + b"data: bang\n\n",
        Unread("invalid JSON", "no part of an answer: bang", "Hallo"),
    ),
    StreamCase(
        "a list in an event",
        b"data: []\n\n",
        Unread("invalid JSON", "the event is a list, not an object"),
    ),
    StreamCase(
        "choices of another type",
        event({"choices": 7}),
        Unread("invalid JSON", "`choices` is a number, not a list"),
    ),
    StreamCase(
        "a choice of another type",
        event({"choices": [None]}),
        Unread("invalid JSON", "a choice is null"),
    ),
    StreamCase(
        "a delta of another type",
        event({"choices": [{"delta": "a"}]}),
        Unread("invalid JSON", "`delta` is a text"),
    ),
    StreamCase(
        "content of another type",
        delta(content=7),
        Unread("invalid JSON", "`content` is a number, not a text"),
    ),
    StreamCase(
        "a call of another type",
        delta(tool_calls=["x"]),
        Unread("invalid JSON", "a tool call is a text"),
    ),
    StreamCase(
        "calls of another type",
        delta(tool_calls={}),
        Unread("invalid JSON", "`tool_calls` is an object"),
    ),
    StreamCase(
        "a function of another type",
        tool("weather", index=0),
        Unread("invalid JSON", "`function` is a text"),
    ),
    StreamCase(
        "a name of another type",
        tool({"name": 7}, index=0),
        Unread("invalid JSON", "`name` is a number"),
    ),
    StreamCase(
        "an endless number",
        b"data: " + b"9" * 5000 + b"\n\n",
        Unread("invalid JSON", "no part of an answer"),
    ),
    StreamCase(
        "JSON without a bottom",
        b"data: " + b"[" * 100_000 + b"\n\n",
        Unread("invalid JSON", "no part of an answer"),
    ),
    StreamCase(
        "bytes that are no UTF-8",
        b'data: {"choices": "\xff"}\n\n',
        Unread("invalid JSON", "no part of an answer"),
    ),
)
