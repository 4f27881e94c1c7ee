"""Wait until Ray's head itself counts every host alive, or one of the services has died."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import TypeAdapter

from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.facts.hosts import HEAD, WORKER, HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import Reporter
from cluster.runtimes import python_of, runtime_of
from cluster.runtimes.log import Ended, log_events, open_log
from cluster.runtimes.service import Service
from cluster.transport.answers import answers, keyed
from cluster.transport.parallel import gather
from cluster.transport.program import program
from cluster.transport.protocol import Session, Transport

SLACK_S = 15.0
LOG_LINES = 40


@dataclass(frozen=True)
class Alive:
    """Addresses of all nodes that Ray's head counts alive."""

    alive: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """The counter's last word: why not all came."""

    problem: str


COUNTER: TypeAdapter[Alive | Missing] = keyed(Alive, Missing)


def await_nodes(
    transport: Transport,
    config: ClusterConfig,
    head: HostFacts,
    started: Sequence[Service],
    reporter: Reporter,
) -> None:
    """Return when all nodes are alive. Raises HostsError with the log of what died or was late."""
    watched = opened(transport, config, head, started)

    def watch(pair: tuple[Service | None, Session]) -> None:
        service, session = pair
        try:
            if service is None:
                count(session, config, reporter)
            else:
                watch_service(service, session, config.ray.start_timeout_s)
        finally:  # whoever ends first ends the others
            close_all()

    def close_all() -> None:
        for _, session in watched:
            session.close()

    try:
        outcomes = [outcome for _, outcome in gather(watched, watch)]
    finally:
        close_all()
    failures = [each for each in outcomes if isinstance(each, OrchestrateError)]
    dead = [each for each in failures if isinstance(each, HostError) and each.log]
    if failures:
        raise HostsError(dead or failures)


def opened(
    transport: Transport, config: ClusterConfig, head: HostFacts, started: Sequence[Service]
) -> list[tuple[Service | None, Session]]:
    """The log of every service started now and, without a service, the counter on the head."""
    request = {
        "cluster": config.name,
        "address": f"{config.head.fast}:{config.ray.port}",
        "wanted": [node.fast for node in config.node],
        "timeout_s": config.ray.start_timeout_s,
    }
    python = python_of(runtime_of(config), head)
    counter = program("cluster.host.ray_nodes", request, interpreter=python)
    sessions: list[tuple[Service | None, Session]] = []
    sessions.append((None, transport.session(head.node, counter)))
    for service in started:
        sessions.append((service, open_log(transport, service.node, service.mark, LOG_LINES)))
    return sessions


def count(session: Session, config: ClusterConfig, reporter: Reporter) -> None:
    """Follow the counter to its end. Raises HostError when hosts are missing then."""
    names = {node.fast: node.name for node in config.node}
    seen: set[str] = set()
    limit_s = config.ray.start_timeout_s + SLACK_S
    with suppress(TimeoutError):
        for answer in answers(session, COUNTER, limit_s, within_s=limit_s):
            if isinstance(answer, Missing):
                break
            alive = set(answer.alive) & set(names)
            for address in sorted(alive - seen):
                reporter.tell(f"{names[address]} has joined Ray ({len(alive)} of {len(names)})")
            seen |= alive
            if alive == set(names):
                return
    raise late(config, [node for node in config.node if node.fast not in seen])


def late(config: ClusterConfig, missing: Sequence[Node]) -> HostError:
    names = ", ".join(node.name for node in missing)
    service = HEAD if any(node.is_head for node in missing) else WORKER
    return HostError(
        config.head.name,
        f"Ray's head does not count {names} alive within {config.ray.start_timeout_s:g} s",
        f"orchestrate logs {service} --host {missing[0].name}" if missing else "",
    )


def watch_service(service: Service, session: Session, limit_s: float) -> None:
    """Raises HostError when the service ends while we wait for the cluster."""
    log: list[str] = []
    try:
        for event in log_events(session, limit_s + SLACK_S):
            if isinstance(event, Ended):
                raise HostError(
                    service.node.name,
                    f"{service.name} {event.exit.reason}",
                    hint_for(service, "\n".join(log)),
                    log="\n".join(log[-12:]) or "(its log is empty)",
                )
            log.append(event.line)
    except TimeoutError:
        return


def hint_for(service: Service, log: str) -> str:
    if "cannot reach Ray's head" in log:
        return "is a firewall between the hosts, or the fast link down?"
    return f"orchestrate logs {service.name} --host {service.node.name}"
