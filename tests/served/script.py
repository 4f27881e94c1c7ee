"""What the server answers, as values, and ways to compose them.

An Answer is what a model would say. A Delivery is how it reaches the client: whole, or wrapped in
a fault. A Script is a function from the request to a Delivery.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PIECE = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True)
class Request:
    """What a client sent; `number` counts the generations from 0."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    number: int

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True)
class Token:
    """Text, id, logprob, and what else was likely: (text, id, logprob)."""

    text: str
    id: int
    logprob: float = -0.25
    others: tuple[tuple[str, int, float], ...] = ()


@dataclass(frozen=True)
class Tool:
    """A tool call; `arguments` is text and need not be JSON."""

    name: str
    arguments: str
    id: str = "call-1"


@dataclass(frozen=True)
class Answer:
    """What the model says. Tokens are the words of `text`, unless given."""

    text: str = " and I am"
    finish_reason: str = "stop"
    tools: tuple[Tool, ...] = ()
    given: tuple[Token, ...] = ()
    prompt_tokens: int = 5
    cached: int = 0
    reasoning: str = ""

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.given or tuple(token_of(piece) for piece in PIECE.findall(self.text))

    def with_token(self, place: int, token: Token) -> "Answer":
        """The same answer but for one token: what a server that is not deterministic says."""
        tokens = (*self.tokens[:place], token, *self.tokens[place + 1 :])
        return replace(self, text="".join(each.text for each in tokens), given=tokens)


def token_of(text: str) -> Token:
    number = zlib.crc32(text.encode()) % 50_000
    return Token(text, number, others=((text.upper() + "~", number + 50_000, -1.5),))


@dataclass(frozen=True)
class Status:
    """An HTTP error, or any other answer word for word."""

    code: int
    text: str = '{"error": {"message": "scripted", "type": "error", "code": 0}}'
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """The request is read and nothing is ever answered."""


@dataclass(frozen=True)
class Slow:
    """A stream with a pause before each part."""

    answer: Answer
    gap_s: float


@dataclass(frozen=True)
class Late:
    """An answer that does not stream, after so many seconds: as long as its tokens would take."""

    answer: Answer
    after_s: float


@dataclass(frozen=True)
class Broken:
    """A stream whose connection is lost after so many parts; 0: before any answer."""

    answer: Answer
    after: int


@dataclass(frozen=True)
class Says:
    """A stream whose part number `after` is this text instead of what belongs there."""

    answer: Answer
    after: int
    text: str


@dataclass(frozen=True)
class Edited:
    """An answer, whole or streamed, of which every JSON object is changed first; None leaves an
    event out. `ending` is whether a stream says [DONE].
    """

    answer: Answer
    edit: Callable[[dict[str, Any]], dict[str, Any] | None]
    ending: bool = True


@dataclass(frozen=True)
class Raw:
    """These bytes in place of a whole HTTP answer, after which the connection is closed, or with
    `stays` goes on without a further word.
    """

    data: bytes
    stays: bool = False


def body(content: bytes, kind: str = "text/event-stream", **headers: str) -> Raw:
    """HTTP 200 with this content, which ends with the connection."""
    named = {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return Raw(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + content)


Delivery = Answer | Status | Hang | Slow | Late | Broken | Says | Edited | Raw
Script = Callable[[Request], Delivery]


def always(delivery: Delivery) -> Script:
    return lambda request: delivery


def in_turn(*deliveries: Delivery) -> Script:
    """One after the other; the last one goes on."""
    return lambda request: deliveries[min(request.number, len(deliveries) - 1)]


def every(count: int, other: Delivery, otherwise: Delivery) -> Script:
    """`other` for each request whose number, from 1, is a multiple of `count`."""
    return lambda request: other if (request.number + 1) % count == 0 else otherwise


def where(test: Callable[[Request], bool], one: Script, otherwise: Script) -> Script:
    return lambda request: (one if test(request) else otherwise)(request)


def cut_to_max_tokens(script: Script) -> Script:
    """The answer no longer than the request allows, with finish_reason `length` where it is cut."""

    def cut(request: Request) -> Delivery:
        found, most = script(request), request.body.get("max_tokens")
        if not isinstance(found, Answer) or most is None or len(found.tokens) <= most:
            return found
        tokens = found.tokens[:most]
        text = "".join(token.text for token in tokens)
        return replace(found, text=text, given=tokens, finish_reason="length")

    return cut
