"""A Transport whose hosts say what the test wrote down: the seam that every verb already has."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.inventory.node import Node
from cluster.transport.program import Program
from cluster.transport.protocol import COMMAND_TIMEOUT_S, Result, Session, Stream

END = object()  # the last line of a session that ends by itself
Answer = Callable[[Node, Any], Any]


def name_of(program: Program) -> str:
    """As cluster.host.probe, or the words of what is not one of our programs."""
    return program.name


def request_of(program: Program) -> Any:
    """What the program is asked: the last line of its standard input."""
    lines = program.stdin.splitlines()
    return json.loads(lines[-1]) if lines else None


@dataclass
class Script:
    """Answers by program name, lines of sessions by program name, and a dialled stream."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    talks: Mapping[str, list[Any]] = field(default_factory=dict)
    dialled: Callable[[], Stream] | None = None
    ran: list[tuple[str, str, Any]] = field(default_factory=list)

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        name = name_of(program)
        request = request_of(program)
        self.ran.append((node.name, name, request))
        answer = self.answers[name](node, request)
        return answer if isinstance(answer, Result) else Result(0, json.dumps(answer), "")

    def session(self, node: Node, program: Program) -> Session:
        name = name_of(program)
        self.ran.append((node.name, name, request_of(program)))
        lines = self.talks[name]
        said = [json.dumps(line) for line in lines if line is not END]
        return Talk(node, program, said, ends=END in lines)

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        if self.dialled is None:
            raise ConnectionRefusedError(f"{address}:{port}")
        return self.dialled()

    def paste(self, node: Node, command: str) -> str:
        return f"ssh {node.address} {command}"

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Talk:
    """A session that says its lines, then ends or is silent until somebody closes it."""

    node: Node
    program: Program
    said: list[str]
    ends: bool = False
    heard: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def lines(self, timeout_s: float) -> Iterator[str]:
        yield from self.said
        if not self.ends and not self.closed.wait(min(timeout_s, 30)):
            raise TimeoutError

    def send(self, text: str) -> None:
        """An ask whether we still hold the lock is answered yes."""
        self.heard.append(text)
        if '"ask"' in text:
            self.said.append(json.dumps({"still": json.loads(text)["ask"]}))

    def close(self) -> None:
        self.closed.set()


@dataclass
class HttpStream:
    """A connection to a server that gives one answer to whatever it is asked."""

    status: int
    body: str
    sent: bytes = b""

    def __post_init__(self) -> None:
        head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\n"
        self.left = (head + "Connection: close\r\n\r\n" + self.body).encode()

    def recv(self, size: int, /) -> bytes:
        now, self.left = self.left[:size], self.left[size:]
        return now

    def sendall(self, data: bytes, /) -> None:
        self.sent += data

    def settimeout(self, seconds: float | None, /) -> None:
        """It answers at once."""

    def close(self) -> None:
        """Nothing is open."""
