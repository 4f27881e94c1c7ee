"""How events are framed, how a stream ends, and where its usage stands."""

from tests.support.streams.case import (
    COUNTED,
    DONE,
    END,
    HALLO,
    READ,
    USAGE,
    Reading,
    StreamCase,
    delta,
    event,
)


def with_lines(end: bytes) -> bytes:
    return (HALLO + END).replace(b"\n", end)


FRAMES = (
    StreamCase("plain", HALLO + END, READ),
    StreamCase("lines end in CRLF", with_lines(b"\r\n"), READ),
    StreamCase("lines end in CR", with_lines(b"\r"), READ),
    StreamCase("line ends of all kinds", (HALLO + END).replace(b"\n\n", b"\r\r\n"), READ),
    StreamCase("byte order mark", b"\xef\xbb\xbf" + HALLO + END, READ),
    StreamCase("comments", b": hello\n\n:\n\n" + HALLO + b": wait\n\n" + END, READ),
    StreamCase("no space after the colon", (HALLO + END).replace(b"data: ", b"data:"), READ),
    StreamCase("empty data", b"data:\n\ndata: \n\ndata\n\n" + HALLO + b"data:\n\n" + END, READ),
    StreamCase("blank data", HALLO + b"data:    \n\n" + END, READ),
    StreamCase("other fields", b"id: 7\nretry: 9\nfoo: bar\nfoo\n" + HALLO + END, READ),
    StreamCase("named events", b"event: completion\n" + HALLO + END, READ),
    StreamCase("an event of a name alone", b"event: ping\n\n" + HALLO + END, READ),
    StreamCase("pings with data", b"event: ping\ndata: ping\n\n" + HALLO + END, READ),
    StreamCase("pings of JSON", event({"type": "ping"}) + HALLO + END, READ),
    StreamCase(
        "data of many lines",
        b'data: {"choices":\ndata: \ndata:\ndata: [{"delta": {"content": "Hallo"}}]}\n\n' + END,
        READ,
    ),
    StreamCase("escaped blank lines", delta(content="a\n\nb") + END, Reading("a\n\nb")),
    StreamCase(
        "line ends of Unicode are no line ends",
        'data: {"choices": [{"delta": {"content": "a\u2028\u0085b"}}]}\n\n'.encode() + END,
        Reading("a\u2028\u0085b"),
    ),
    StreamCase(
        "characters of many bytes",
        'data: {"choices": [{"delta": {"content": "ä \N{GRINNING FACE}"}}]}\n\n'.encode() + END,
        Reading("ä \N{GRINNING FACE}"),
    ),
    StreamCase(
        "half a character",
        b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n' + END,
        Reading("a\N{REPLACEMENT CHARACTER}"),
    ),
    StreamCase("no [DONE]", HALLO + delta("stop"), READ),
    StreamCase("more after [DONE]", HALLO + END + event({"cost": 1}) + b"data: x\n\n", READ),
    StreamCase("blanks around [DONE]", HALLO + delta("stop") + b"data:  [DONE] \n\n", READ),
    StreamCase(
        "usage at the end", HALLO + delta("stop") + USAGE + DONE, Reading("Hallo", usage=(3, 2))
    ),
    StreamCase(
        "usage in every part",
        event({"choices": [{"delta": {"content": "Hallo"}}], "usage": COUNTED})
        + event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": COUNTED})
        + DONE,
        Reading("Hallo", usage=(3, 2)),
    ),
    StreamCase(
        "usage in the choice",
        HALLO + event({"choices": [{"delta": {}, "finish_reason": "stop", "usage": COUNTED}]}),
        Reading("Hallo", usage=(3, 2)),
    ),
    StreamCase(
        "usage null, then empty", HALLO + event({"usage": None}) + event({"usage": {}}) + END, READ
    ),
    StreamCase("usage that is none", HALLO + event({"usage": "many"}) + END, READ),
    StreamCase(
        "usage in words",
        HALLO + event({"usage": {"prompt_tokens": "3", "completion_tokens": -1}}) + END,
        READ,
    ),
    StreamCase("no choices", event({"id": "x"}) + HALLO + event({"choices": None}) + END, READ),
)
