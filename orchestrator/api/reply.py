"""What came back of one request: a Reply, or a named Failure. Immutable values."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "connect",  # nothing was sent: no such host, refused, no connection in time
    "timeout",  # sent, and no whole answer within the limit
    "rate limited",  # HTTP 429
    "server error",  # HTTP 5xx, or an error inside a stream
    "refused",  # any other answer than 200
    "invalid JSON",  # an answer that cannot be read
    "no stream",  # a stream was asked for, and a whole answer came
    "broken",  # the connection ended before the answer did
]
TOKEN_ID = "token_id:"  # how vLLM names a token under return_tokens_as_token_ids
MOST_DIGITS = 18  # of an id: any number of so many is an integer of 64 bits


class Piece(NamedTuple):
    """What one event of a stream adds."""

    text: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A token that could stand at a place, and its logprob."""

    token: str
    logprob: float

    @property
    def id(self) -> int | None:
        head, _, digits = self.token.partition(TOKEN_ID)
        is_id = not head and digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS
        return int(digits) if is_id else None


@dataclass(frozen=True, slots=True)
class Place:
    """One generated token and the most likely ones of its place, best first."""

    chosen: Ranked
    top: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """As the model made it: `arguments` is text, to be parsed by whoever judges it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counts them; `cached` of the prompt came from the prefix cache."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the server counted at all: no prompt is empty."""
        return bool(self.prompt or self.completion)


@dataclass(frozen=True, slots=True)
class Timing:
    """`started` in seconds since 1970; the others count seconds from there.

    `first_token_s` and `gaps_s` only where it streams: a gap lies between two chunks with text,
    each one token unless the server sends several at once.
    """

    started: float
    total_s: float
    first_token_s: float | None = None
    gaps_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, its first choice. Ids and places are empty unless asked for.

    `refusal`: what the model says in place of an answer. `faults`: where the server departs from
    the API so that some clients would read another answer.
    """

    text: str
    finish_reason: str | None
    usage: Usage
    timing: Timing
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    token_ids: tuple[int, ...] = ()
    prompt_token_ids: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    model: str = ""
    refusal: str = ""
    faults: tuple[str, ...] = ()

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"


@dataclass(frozen=True, slots=True)
class Failure:
    """No whole answer. `partial` is what had come before a stream broke."""

    kind: Kind
    what: str
    timing: Timing
    status: int | None = None
    retry_after_s: float | None = None
    partial: Reply | None = None

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.what}" if self.status else self.what


Outcome = Reply | Failure
