"""One body of a stream with its right reading, and what bodies are made of.

The kinds of bodies are those that the tests of OpenAI's clients for Python, Node and Go, of vLLM's
tool parsers, and public reports name; every stream is written anew.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from orchestrator.api.reply import Kind, ToolCall

OSLO, ROME = '{"city": "Oslo"}', '{"city": "Rome"}'
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Reading:
    """What a Reply must hold; the fields that a case does not name are empty."""

    text: str = ""
    reasoning: str = ""
    tools: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: tuple[int, int] = (0, 0)
    refusal: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    """The kind of failure, and words of its message."""

    kind: Kind
    said: str
    partial: str = ""


@dataclass(frozen=True)
class StreamCase:
    name: str
    body: bytes = field(repr=False)
    right: Reading | Unread


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def delta(finish: str | None = None, **said: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": said, "finish_reason": finish}]})


def tool(function: Any = None, **part: Any) -> bytes:
    return delta(tool_calls=[{**part, "function": function}])


def call(number: int, arguments: str, name: str = "weather") -> ToolCall:
    return ToolCall(f"c{number}", name, arguments)


END = delta("stop") + DONE
CALLED = delta("tool_calls") + DONE
HALLO = delta(content="Hal") + delta(content="lo")
COUNTED = {"prompt_tokens": 3, "completion_tokens": 2}
USAGE = event({"choices": [], "usage": COUNTED})
READ = Reading("Hallo")
