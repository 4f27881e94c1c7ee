"""The verb `logs`: a service's log from whichever host it runs on."""

import json
from collections.abc import Callable

from cluster.config import ClusterConfig
from cluster.errors import HostsError, OrchestrateError, Problem, UsageError
from cluster.facts import HostFacts, RunningService, gather_facts
from cluster.inventory import nearest
from cluster.program import program
from cluster.transport import Transport

SILENCE_LIMIT_S = 7 * 24 * 3600.0
READ_LIMIT_S = 30.0


def find_service(
    transport: Transport, config: ClusterConfig, service: str | None, host: str | None
) -> tuple[HostFacts, RunningService]:
    """The service that is meant; without a name, the model, else Ray's head.

    Raises UsageError that lists what there is.
    """
    facts = gather_facts(transport, config)
    if not facts.hosts:
        raise HostsError([lost.error for lost in facts.unreached])
    found = [
        (each, known)
        for each in facts.hosts
        for known in each.services
        if host in (None, each.node.name) and service in (None, known.name)
    ]
    if found:
        return min(found, key=lambda pair: pair[1].name.startswith("ray-"))
    names = {known.name for each in facts.hosts for known in each.services}
    if not names:
        raise OrchestrateError(
            Problem(f"cluster {config.name} has no services", hint="orchestrate cluster start")
        )
    wanted = f"{service or 'service'}" + (f" on {host}" if host else "")
    raise UsageError(Problem(f"no {wanted}", "logs", nearest(service or "", names)))


def read_log(
    transport: Transport,
    found: tuple[HostFacts, RunningService],
    config: ClusterConfig,
    write: Callable[[str], None],
    *,
    lines: int,
    follow: bool,
) -> None:
    """Write the last lines, and with `follow` go on until the service ends."""
    host, service = found
    request = {
        "mark": f"{config.name}/{host.node.name}/{service.name}",
        "lines": lines,
        "follow": follow,
    }
    session = transport.session(host.node, program("cluster.host.follow", request))
    try:
        for line in session.lines(SILENCE_LIMIT_S if follow else READ_LIMIT_S):
            event = json.loads(line)
            if "exit" in event:
                write(f"-- {service.name} {event['exit']['reason']}")
            else:
                write(event["line"])
    finally:
        session.close()
