"""The verb `logs`: a service's log from whichever host it runs on."""

from collections.abc import Callable

from cluster.errors import HostsError, OrchestrateError, Problem, UsageError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.problems import nearest
from cluster.runtimes.log import Ended, log_events, open_log
from cluster.runtimes.service import mark_of
from cluster.transport.protocol import Transport
from orchestrator.serving.vllm import PREFIX

SILENCE_LIMIT_S = 7 * 24 * 3600.0
READ_LIMIT_S = 30.0


def find_service(
    transport: Transport, config: ClusterConfig, service: str | None, host: str | None
) -> tuple[HostFacts, str]:
    """The service that is meant; without a name, the model, else Ray's head. What was stopped
    counts only where nothing else is meant.

    Raises UsageError that lists what there is.
    """
    facts = gather_facts(transport, config)
    if not facts.hosts:
        raise HostsError([lost.error for lost in facts.unreached])
    known = [(each, service.name) for each in facts.hosts for service in each.services]
    kept = [(each, name) for each in facts.hosts for name in each.logs]
    for pairs in (known, kept):
        found = [
            (each, name)
            for each, name in pairs
            if host in (None, each.node.name) and service in (None, name)
        ]
        if found:
            return min(found, key=lambda pair: rank(pair[1]))
    names = {name for _, name in known + kept}
    if not names:
        raise OrchestrateError(
            Problem(f"cluster {config.name} has no services", hint="orchestrate cluster start")
        )
    wanted = f"{service or 'service'}" + (f" on {host}" if host else "")
    raise UsageError(Problem(f"no {wanted}", "logs", nearest(service or "", names)))


def rank(service: str) -> int:
    """Whose log is meant first: the model's, what runs beside it, Ray's."""
    if service.startswith(PREFIX):
        return 0
    return 2 if service.startswith("ray-") else 1


def read_log(
    transport: Transport,
    found: tuple[HostFacts, str],
    config: ClusterConfig,
    write: Callable[[str], None],
    *,
    lines: int,
    follow: bool,
) -> None:
    """Write the last lines, and with `follow` go on until the service ends."""
    host, service = found
    mark = mark_of(config.name, host.node, service)
    session = open_log(transport, host.node, mark, lines, follow=follow)
    try:
        for event in log_events(session, SILENCE_LIMIT_S if follow else READ_LIMIT_S):
            if isinstance(event, Ended):
                write(f"-- {service} {event.exit.reason}")
            else:
                write(event.line)
    finally:
        session.close()
