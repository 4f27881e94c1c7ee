"""A program that runs on a host and is asked things one after the other, in JSON lines."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cluster.errors import HostError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.transport.answers import answers
from cluster.transport.parallel import gather
from cluster.transport.program import Program
from cluster.transport.protocol import Session, Transport

SILENCE_LIMIT_S = 20.0


@dataclass
class Talk:
    """One such program; `hello` is what it said first."""

    host: HostFacts
    session: Session
    answers: Iterator[Mapping[str, Any]]
    hello: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, value: Any) -> None:
        self.session.send(json.dumps(value) + "\n")

    def next(self) -> Mapping[str, Any]:
        """Raises HostError when the program is silent or has ended."""
        with suppress(TimeoutError, StopIteration):
            return next(self.answers)
        hint = "does python3 3.9 or newer run there? is the host overloaded?"
        raise HostError(self.host.node.name, "a program that we ask things of went silent", hint)


@contextmanager
def talking(
    transport: Transport, hosts: Sequence[HostFacts], make: Callable[[HostFacts], Program]
) -> Iterator[tuple[list[Talk], list[OrchestrateError]]]:
    """The programs of all hosts that have said hello, and the errors of the others."""
    opened: list[Talk] = []

    def start(host: HostFacts) -> Talk:
        session = transport.session(host.node, make(host))
        talk = Talk(host, session, answers(session, SILENCE_LIMIT_S))
        opened.append(talk)
        talk.hello = talk.next()
        return talk

    try:
        begun = [outcome for _, outcome in gather(hosts, start)]
        yield (
            [each for each in begun if isinstance(each, Talk)],
            [each for each in begun if isinstance(each, OrchestrateError)],
        )
    finally:
        for talk in opened:
            talk.session.close()
