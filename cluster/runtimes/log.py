"""The log of a service while it grows, and how the service ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from cluster.inventory.node import Node
from cluster.transport.answers import answers, keyed
from cluster.transport.program import program
from cluster.transport.protocol import Session, Transport


@dataclass(frozen=True)
class Line:
    """A line of the log."""

    line: str


@dataclass(frozen=True)
class Exit:
    """As `exited with code 1`, `killed by signal 9` or `vanished`."""

    reason: str = "ended"


@dataclass(frozen=True)
class Ended:
    """The service is over; nothing follows."""

    exit: Exit


LOG_EVENTS: TypeAdapter[Line | Ended] = keyed(Line, Ended)


def open_log(
    transport: Transport, node: Node, mark: str, lines: int, *, follow: bool = True
) -> Session:
    """The log of the service with this mark, from `lines` before its end."""
    request = {"mark": mark, "lines": lines, "follow": follow}
    return transport.session(node, program("cluster.host.follow", request))


def log_events(session: Session, timeout_s: float) -> Iterator[Line | Ended]:
    """Raises TimeoutError after `timeout_s` of silence, HostError where it cannot be read."""
    return answers(session, LOG_EVENTS, timeout_s)
