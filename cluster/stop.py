"""Take a cluster down, in reverse order: what runs on Ray, Ray's workers, Ray's head."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.allocators import allocator_of
from cluster.errors import HostError, HostsError, OrchestrateError, PreflightError, Problem
from cluster.execution.execute import execute
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Stage, Stop
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HEAD, WORKER, Facts, HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.ray.plan import temp_folder
from cluster.reporter import Reporter
from cluster.runtimes.service import mark_of
from cluster.transport.protocol import Transport

RAY = (HEAD, WORKER)
GRACE_S = 3.0  # after this, what still carries our mark is killed


@dataclass(frozen=True)
class StopReport:
    """What was stopped: service by host with its number of processes; hosts we could not ask."""

    cluster: str
    stopped: Mapping[str, int]
    killed: tuple[str, ...]
    unreached: tuple[OrchestrateError, ...]
    seconds: float


def plan_stop(config: ClusterConfig, facts: Facts, *, only_ray: bool = False) -> Plan:
    """Stops for every host that runs or remembers something of ours."""
    busy = [host for host in facts.hosts if host.services or host.strays]
    others = () if only_ray else tuple(stop for host in busy for stop in other_stops(config, host))
    ray = [host for host in busy if any(s.name in RAY for s in host.services)]
    workers = tuple(ray_stop(config, host) for host in ray if not host.node.is_head)
    head = tuple(ray_stop(config, host) for host in ray if host.node.is_head)
    return Plan(
        f"stop cluster {config.name}",
        (Stage("stop services", others), Stage("stop workers", workers), Stage("stop head", head)),
    )


def other_stops(config: ClusterConfig, host: HostFacts) -> tuple[Stop, ...]:
    marks = tuple(
        mark_of(config.name, host.node, s.name) for s in host.services if s.name not in RAY
    )
    marks += tuple(host.strays)
    return (Stop(host.node, marks, grace_s=GRACE_S),) if marks else ()


def ray_stop(config: ClusterConfig, host: HostFacts) -> Stop:
    marks = tuple(mark_of(config.name, host.node, s.name) for s in host.services if s.name in RAY)
    return Stop(host.node, marks, remove=(temp_folder(config, host),), grace_s=GRACE_S)


def stop_cluster(
    transport: Transport, config: ClusterConfig, reporter: Reporter, *, only_ray: bool = False
) -> StopReport:
    """Stop what carries this cluster's mark on every host that answers.

    Raises HostsError when something survives KILL, PreflightError when `only_ray` would pull Ray
    from under a running service.
    """
    begun = time.monotonic()
    facts = gather_facts(transport, config)
    if only_ray:
        refuse_while_used(facts)
    plan = plan_stop(config, facts, only_ray=only_ray)
    answers = execute_locked(transport, config, facts, plan, reporter) if plan else []
    left = {pid: line for answer in answers for pid, line in answer["left"].items()}
    if left:
        shown = ", ".join(f"{pid} ({line})" for pid, line in left.items())
        raise HostsError([HostError(config.name, f"processes that survive KILL: {shown}")])
    if not only_ray:
        allocator_of(config).release(transport, config)
    stopped = {mark: n for answer in answers for mark, n in answer["stopped"].items()}
    return StopReport(
        cluster=config.name,
        stopped=stopped,
        killed=tuple(line for answer in answers for line in answer["killed"]),
        unreached=tuple(lost.error for lost in facts.unreached),
        seconds=time.monotonic() - begun,
    )


def execute_locked(
    transport: Transport, config: ClusterConfig, facts: Facts, plan: Plan, reporter: Reporter
) -> list[Any]:
    """Under the lock, unless the head is gone or takes none: the rest must still come down."""
    if facts.head() is None:
        return execute(plan, transport, reporter, go_on=True)
    with cluster_lock(transport, config, reporter=reporter, needed=False) as lock:
        lock.audit(plan.title)
        return execute(plan, transport, reporter, lock.run(), go_on=True)


def refuse_while_used(facts: Facts) -> None:
    using = [
        (host, service)
        for host in facts.hosts
        for service in host.services
        if service.alive and service.name not in RAY
    ]
    if using:
        raise PreflightError(
            *(
                Problem(f"{s.name} still runs", h.node.name, "orchestrate teardown")
                for h, s in using
            )
        )
