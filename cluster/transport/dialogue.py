"""A program that runs on a host and is asked things one after the other, in JSON lines."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from cluster.errors import HostError, OrchestrateError
from cluster.inventory.node import Node
from cluster.transport.answers import OBJECT, answers, shaped
from cluster.transport.parallel import gather
from cluster.transport.program import Program
from cluster.transport.protocol import Session, Transport

SILENCE_LIMIT_S = 20.0


class HasNode(Protocol):
    """Whatever the caller knows of a host: this room needs only which one it is."""

    @property
    def node(self) -> Node: ...


Host = TypeVar("Host", bound=HasNode)
Hello = TypeVar("Hello")
T = TypeVar("T")


@dataclass
class Dialogue(Generic[Host, Hello]):
    """One such program; `hello` is what it said first."""

    host: Host
    session: Session
    answers: Iterator[Mapping[str, Any]]
    hello: Hello = field(init=False)

    def ask(self, value: Any) -> None:
        self.session.send(json.dumps(value) + "\n")

    def next(self, kind: TypeAdapter[T]) -> T:
        """Raises HostError when the program is silent, has ended, or says what makes no sense."""
        with suppress(TimeoutError, StopIteration):
            name = self.session.program.name
            return shaped(self.host.node, name, kind, next(self.answers))
        hint = "does python3 3.9 or newer run there? is the host overloaded?"
        raise HostError(self.host.node.name, "our program on the host stopped answering", hint)


@contextmanager
def dialogues(
    transport: Transport,
    hosts: Sequence[Host],
    make: Callable[[Host], Program],
    hello: TypeAdapter[Hello],
) -> Iterator[tuple[list[Dialogue[Host, Hello]], list[OrchestrateError]]]:
    """The programs of all hosts that have said hello, and the errors of the others."""
    begun: list[Dialogue[Host, Hello]] = []

    def start(host: Host) -> Dialogue[Host, Hello]:
        session = transport.session(host.node, make(host))
        said = answers(session, OBJECT, SILENCE_LIMIT_S)
        dialogue: Dialogue[Host, Hello] = Dialogue(host, session, said)
        begun.append(dialogue)
        dialogue.hello = dialogue.next(hello)
        return dialogue

    try:
        outcomes = [outcome for _, outcome in gather(hosts, start)]
        yield (
            [each for each in outcomes if isinstance(each, Dialogue)],
            [each for each in outcomes if isinstance(each, OrchestrateError)],
        )
    finally:
        for dialogue in begun:
            dialogue.session.close()
