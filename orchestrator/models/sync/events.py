"""What a host's program says in a copy of a model; see orchestrator.host.sync."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from cluster.transport.answers import keyed


@dataclass(frozen=True)
class Hello:
    """Its own name."""

    hello: str


@dataclass(frozen=True)
class Seen:
    """Hosts whose marks it found in its own cache."""

    seen: tuple[str, ...]


@dataclass(frozen=True)
class Listening:
    """Where it listens; bytes that it lacks and that are free."""

    ready: bool
    port: int
    missing: int
    free: int


@dataclass(frozen=True)
class Count:
    """Bytes so far."""

    got: int = 0
    sent: int = 0
    hashed: int = 0


@dataclass(frozen=True)
class Counters:
    """Twice a second."""

    counters: Count


@dataclass(frozen=True)
class Last:
    """The counters as they are at the end."""

    last: Count


@dataclass(frozen=True)
class Hashed:
    """(index of a content, its hash)."""

    hashed: tuple[int, str]


@dataclass(frozen=True)
class Forgot:
    """Indices of contents that come again."""

    forgot: tuple[int, ...]


@dataclass(frozen=True)
class Placed:
    """All is where vLLM looks."""

    placed: bool


@dataclass(frozen=True)
class Lost:
    """The host to whom it cannot send any more."""

    lost: str
    why: str


@dataclass(frozen=True)
class Refused:
    """An address that called without the token."""

    refused: str


@dataclass(frozen=True)
class Error:
    """It cannot go on."""

    error: str


@dataclass(frozen=True)
class Gone:
    """Said by the controller: the program ended, or nothing is heard of it."""

    gone: str


Event = (
    Hello | Seen | Listening | Counters | Last | Hashed | Forgot | Placed | Lost | Refused | Error
)
EVENTS: TypeAdapter[Event] = keyed(
    Hello, Seen, Listening, Counters, Last, Hashed, Forgot, Placed, Lost, Refused, Error
)
