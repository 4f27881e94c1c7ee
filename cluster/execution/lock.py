"""One change of a cluster at a time: a lock that dies with its holder, and an audit line."""

import getpass
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from cluster.errors import (
    Busy,
    HostError,
    HostsError,
    LockLost,
    OrchestrateError,
    Problem,
    Unreachable,
)
from cluster.execution.execute import Run
from cluster.facts.gather import gather_facts
from cluster.inventory.config import ClusterConfig
from cluster.reporter import SILENT, Reporter
from cluster.transport.answers import answers, awaited
from cluster.transport.program import program
from cluster.transport.protocol import Session, Transport

HEARTBEAT_S = 10.0
ANSWER_LIMIT_S = 15.0


@dataclass(frozen=True)
class Said:
    """One answer of the hold program: held, by whom else, why not; `still` repeats our question."""

    held: bool = False
    busy: str = ""
    problem: str = ""
    still: int | None = None


SAID = TypeAdapter(Said)


@dataclass
class Lock:
    """`id` marks what this run starts. Without a session there is no lock: see `without`."""

    id: str
    where: str = ""
    session: Session | None = None
    answers: Iterator[Said] = field(default_factory=lambda: iter(()))
    reporter: Reporter = SILENT

    def audit(self, text: str) -> None:
        """Append a line to ~/.orchestrate/CLUSTER/audit on the head; a full disk is told."""
        self._send({"audit": f"{whoami()} {text}"})

    def require(self) -> None:
        """Ask the head whether we still hold it. Raises LockLost: another run may be at work."""
        if self.session is None:
            return
        asked = 1 + secrets.randbits(32)
        try:
            self._send({"ask": asked})
            while (answer := self._told()).still != asked:
                if answer.problem:
                    self.reporter.tell(answer.problem)
        except (StopIteration, TimeoutError, HostError) as error:
            raise LockLost(self.where) from error

    def _told(self) -> Said:
        return awaited(self.answers, lambda each: each.still or each.problem, ANSWER_LIMIT_S)

    def run(self) -> Run:
        return Run(self.id, self.require)

    def _send(self, value: dict[str, Any]) -> None:
        if self.session is not None:
            self.session.send(json.dumps(value) + "\n")


def without(where: str, reporter: Reporter, why: str) -> Lock:
    """No lock, said aloud: a cluster must come down on a disk that takes no lock."""
    reporter.tell(f"{where}: no lock, going on without it: {why}")
    return Lock(secrets.token_hex(8))


def whoami() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}[{os.getpid()}]"


@contextmanager
def cluster_lock(
    transport: Transport,
    config: ClusterConfig,
    model: str = "",
    *,
    reporter: Reporter = SILENT,
    needed: bool = True,
) -> Iterator[Lock]:
    """Hold the lock of the cluster, or of one model's files, which may take hours to arrive.

    Raises Busy with the holder's name when another run has it, HostError where there can be none;
    unless it is `needed`, then it is told and done without.
    """
    what = f"model {model}" if model else f"cluster {config.name}"
    name = "lock-" + model.replace("/", "--") if model else "lock"
    session = opened(transport, config, {"cluster": config.name, "who": whoami(), "lock": name})
    done = threading.Event()
    said = answers(session, SAID, ANSWER_LIMIT_S)
    try:
        answer = first_answer(said)
        if answer.busy:
            hint = "wait for it, or end that run; the lock goes with it"
            what = f"{what} is being changed by {answer.busy}"
            raise Busy(Problem(what, config.head.name, hint))
        if answer.problem:
            if needed:
                raise no_lock(config, answer.problem)
            yield without(config.head.name, reporter, answer.problem)
            return
        threading.Thread(target=beat, args=(session, done), daemon=True).start()
        yield Lock(secrets.token_hex(8), config.head.name, session, said, reporter)
    finally:
        done.set()
        session.close()


def opened(transport: Transport, config: ClusterConfig, request: dict[str, str]) -> Session:
    """The hold program on the head. Raises HostsError with every host that cannot be reached."""
    try:
        return transport.session(config.head, program("cluster.host.hold", request))
    except Unreachable as error:
        lost = [each.error for each in gather_facts(transport, config).unreached]
        raise HostsError(lost or [error]) from None


def first_answer(said: Iterator[Said]) -> Said:
    """Held, busy or a problem."""
    try:
        return awaited(said, lambda each: each.held or each.busy or each.problem, ANSWER_LIMIT_S)
    except TimeoutError:
        return Said(problem=f"the hold program gave no answer within {ANSWER_LIMIT_S:g} s")
    except StopIteration:
        return Said(problem="the hold program gave no answer: does python3 3.9 or newer run there?")
    except Unreachable:
        raise
    except HostError as error:
        return Said(problem=error.problems[0].what)


def no_lock(config: ClusterConfig, problem: str) -> HostError:
    hint = "is there room on that disk, and may we write there? `orchestrate teardown` works anyway"
    return HostError(config.head.name, f"cannot take the cluster's lock: {problem}", hint)


def beat(session: Session, done: threading.Event) -> None:
    with suppress(OrchestrateError, OSError, ValueError):
        while not done.wait(HEARTBEAT_S):
            session.send("\n")
