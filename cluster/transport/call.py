"""One program on one host, and its JSON answer."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from cluster.errors import HostError
from cluster.inventory.node import Node
from cluster.transport.answers import heard, parsed, shaped
from cluster.transport.program import guarded, program
from cluster.transport.protocol import LOOK_AT_IT, Result, Transport

START_LIMIT_S = 20.0  # for python to start on a host that is busy
T = TypeVar("T")


@dataclass(frozen=True)
class HostProgram(Generic[T]):
    """A program, as cluster.host.probe, and what it answers."""

    name: str
    kind: TypeAdapter[T]


def call(
    transport: Transport,
    node: Node,
    asked: HostProgram[T],
    request: Any,
    *,
    mark: str = "",
    timeout_s: float = 30,
) -> T:
    """Run a program and read its answer. Raises HostError without one."""
    result = transport.run(node, program(asked.name, request, mark=mark), timeout_s=timeout_s)
    return required_answer(transport, node, asked, result)


def last_answer(node: Node, asked: HostProgram[T], out: str) -> T:
    """The answer of a program that has ended: its last line. Raises ValueError without one,
    HostError where it says why it cannot go on, or what does not fit.
    """
    lines = out.splitlines()
    return shaped(node, asked.name, asked.kind, heard(node, asked.name, lines[-1] if lines else ""))


def required_answer(transport: Transport, node: Node, asked: HostProgram[T], result: Result) -> T:
    """As `last_answer`. Raises HostError without one."""
    try:
        return last_answer(node, asked, result.out)
    except ValueError:
        end = "a signal ended it" if result.code < 0 else f"exit code {result.code}"
        raise HostError(
            node.name,
            f"the {asked.name} program gave no answer ({end})",
            f"does python3 3.9 or newer run there? {transport.paste(node, 'python3 --version')}",
            log="\n".join((result.err or result.out).splitlines()[-6:]),
        ) from None


@dataclass(frozen=True)
class Guarded:
    """How a program with a deadline ended; `out` is what it said, its traceback too."""

    hangs: bool
    code: int | None
    out: str

    @property
    def last_line(self) -> str:
        return "".join(self.out.splitlines()[-1:])


GUARDED = TypeAdapter(Guarded)


def call_guarded(
    transport: Transport, node: Node, name: str, request: Any, limit_s: float
) -> Guarded:
    """Run a program that touches what may hang, for `limit_s` at most. Raises HostError."""
    sent = guarded(name, request, limit_s)
    result = transport.run(node, sent, timeout_s=limit_s + START_LIMIT_S)
    return required_answer(transport, node, HostProgram(name, GUARDED), result)


def guarded_answer(node: Node, asked: HostProgram[T], done: Guarded) -> T:
    """What it answered, where it ended well. Raises HostError."""
    try:
        value = parsed(done.out)
    except ValueError as error:
        what = f"the {asked.name} program gave no answer: {error}"
        log = "\n".join(done.out.splitlines()[-6:])
        raise HostError(node.name, what, LOOK_AT_IT, log=log) from None
    return shaped(node, asked.name, asked.kind, value)
