"""One change of a cluster at a time: a lock that dies with its holder, and an audit line."""

import getpass
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cluster.errors import Busy, HostError, HostsError, OrchestrateError, Problem, Unreachable
from cluster.facts.gather import gather_facts
from cluster.inventory.config import ClusterConfig
from cluster.transport.answers import answers
from cluster.transport.program import program
from cluster.transport.protocol import Session, Transport

HEARTBEAT_S = 10.0
ANSWER_LIMIT_S = 15.0


@dataclass(frozen=True)
class Lock:
    session: Session

    def audit(self, text: str) -> None:
        """Append a line to ~/.orchestrate/CLUSTER/audit on the head."""
        self.session.send(json.dumps({"audit": f"{whoami()} {text}"}) + "\n")


def whoami() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}[{os.getpid()}]"


@contextmanager
def cluster_lock(transport: Transport, config: ClusterConfig, model: str = "") -> Iterator[Lock]:
    """Hold the lock of the cluster, or of one model's files, which may take hours to arrive.

    Raises Busy with the holder's name when another run has it.
    """
    what = f"model {model}" if model else f"cluster {config.name}"
    name = "lock-" + model.replace("/", "--") if model else "lock"
    request = {"cluster": config.name, "who": whoami(), "lock": name}
    session = opened(transport, config, request)
    done = threading.Event()
    try:
        answer = first_answer(session, config)
        if "busy" in answer:
            raise Busy(
                Problem(
                    f"{what} is being changed by {answer['busy']}",
                    config.head.name,
                    "wait for it, or end that run; the lock goes with it",
                )
            )
        threading.Thread(target=beat, args=(session, done), daemon=True).start()
        yield Lock(session)
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


def first_answer(session: Session, config: ClusterConfig) -> dict[str, str]:
    try:
        return next(answers(session, ANSWER_LIMIT_S))
    except (StopIteration, TimeoutError):
        raise HostError(
            config.head.name,
            "cannot take the cluster's lock: the hold program gave no answer",
            "is ~/.orchestrate writable there, and does python3 3.9 or newer run?",
        ) from None


def beat(session: Session, done: threading.Event) -> None:
    with suppress(OrchestrateError, OSError, ValueError):
        while not done.wait(HEARTBEAT_S):
            session.send("\n")
