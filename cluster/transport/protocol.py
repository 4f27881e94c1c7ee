"""The one road to the hosts, as an interface; ssh.py and local.py are its two implementations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cluster.errors import HostError
from cluster.inventory.node import Node
from cluster.transport.command import shell_line
from cluster.transport.program import Program

COMMAND_TIMEOUT_S = 30.0
LOOK_AT_IT = "the host is broken, or not what it seems: look at it before you use it again"


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code, below 0 where a signal ended it, and its two outputs."""

    code: int
    out: str
    err: str


class Session(Protocol):
    """A program that goes on running while we talk with it."""

    @property
    def node(self) -> Node: ...

    @property
    def program(self) -> Program: ...

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Its output line by line, to the end. Raises TimeoutError where a line takes longer than
        `timeout_s`, HostError for one that is endless."""

    def send(self, text: str) -> None: ...

    def close(self) -> None:
        """End its input and leave it; safe to call twice and from another thread."""


class Stream(Protocol):
    """As much of a socket as HTTP needs."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def close(self) -> None: ...


class Transport(Protocol):
    """All that can be done on a host. Each call raises Unreachable when it cannot be reached, or
    when the connection breaks, and nothing else of SSH's."""

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """Run to the end. Raises HostError when it takes longer than `timeout_s` altogether, or
        says more than bounds.ANSWER_LIMIT_BYTES."""

    def session(self, node: Node, program: Program) -> Session: ...

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        """Connect to a TCP port as seen from the host. Raises OSError when nothing accepts."""

    def paste(self, node: Node, command: str) -> str:
        """The line that a person pastes to run `command` there."""

    def close(self) -> None: ...


def too_slow(node: Node, program: Program, timeout_s: float) -> HostError:
    return HostError(
        node.name,
        f"no answer within {timeout_s:g} s from: {shell_line(program.command.argv[-1:])}",
        "the host is overloaded or a file system hangs there; see `orchestrate status`",
    )


def too_much(node: Node, program: Program, error: Exception) -> HostError:
    return HostError(
        node.name,
        f"{error} from: {shell_line(program.command.argv[-1:])}",
        LOOK_AT_IT,
    )
