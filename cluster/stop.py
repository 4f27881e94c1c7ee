"""Take a cluster down, in reverse order: what runs on Ray, Ray's workers, Ray's head."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cluster.allocators import allocator_of
from cluster.errors import (
    HostError,
    HostsError,
    LockLost,
    OrchestrateError,
    PreflightError,
    Problem,
    Unreachable,
)
from cluster.execution.execute import Done, Stopped, execute
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Stage, Stop
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import RAY_SERVICES, Facts, HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.ray.plan import stop_marks
from cluster.reporter import Reporter
from cluster.runtimes.service import mark_of, node_mark
from cluster.transport.protocol import Transport

GRACE_S = 3.0  # after this, what still carries our mark is killed


@dataclass(frozen=True)
class StopReport:
    """What was stopped: service by host with its number of processes; hosts we could not ask; the
    folders in /tmp that went.
    """

    cluster: str
    stopped: Mapping[str, int]
    killed: tuple[str, ...]
    unreached: tuple[OrchestrateError, ...]
    seconds: float
    removed: tuple[str, ...] = ()


def plan_stop(config: ClusterConfig, facts: Facts, *, only_ray: bool = False) -> Plan:
    """Stops for every host that runs or remembers something of ours."""
    hosts = facts.hosts
    others = [(host, (*marks_on(config, host, ray=False), *host.strays)) for host in hosts]
    ray = [(host, marks_on(config, host, ray=True)) for host in hosts]
    blind = tuple(
        Stop(node, (node_mark(config.name, node),), grace_s=GRACE_S) for node in deaf(facts)
    )
    left = tuple(
        Stop(host.node, (), remove=host.folders)
        for host, marks in ray
        if host.folders and not marks
    )

    def stops(found: Iterable[tuple[HostFacts, tuple[str, ...]]]) -> tuple[Stop, ...]:
        return tuple(stop_marks(config, host, marks, GRACE_S) for host, marks in found if marks)

    return Plan(
        f"stop cluster {config.name}",
        (
            Stage("stop services", () if only_ray else (*stops(others), *blind)),
            Stage("stop workers", stops(each for each in ray if not each[0].node.is_head)),
            Stage("stop head", stops(each for each in ray if each[0].node.is_head)),
            Stage("remove what is left", left),
        ),
    )


def deaf(facts: Facts) -> tuple[Node, ...]:
    """Those that let us in and say nothing of themselves: what carries our mark ends there too."""
    return tuple(each.node for each in facts.unreached if not isinstance(each.error, Unreachable))


def marks_on(config: ClusterConfig, host: HostFacts, *, ray: bool) -> tuple[str, ...]:
    """Of Ray's services there, or of all others; the node's own where they cannot be read."""
    if host.unread.keys() & {"services", "marks"}:
        return (node_mark(config.name, host.node),)
    names = [each.name for each in host.services if (each.name in RAY_SERVICES) == ray]
    return tuple(mark_of(config.name, host.node, name) for name in names)


def stop_cluster(
    transport: Transport, config: ClusterConfig, reporter: Reporter, *, only_ray: bool = False
) -> StopReport:
    """Stop what carries this cluster's mark on every host that answers.

    Raises HostsError when something survives KILL, PreflightError when `only_ray` would pull Ray
    from under a running service.
    """
    begun = time.monotonic()
    try:
        facts, done = take_down(transport, config, reporter, only_ray)
    except HostsError as error:
        if not any(isinstance(each, LockLost) for each in error.failures):
            raise
        reporter.tell("the connection to the head broke: once more, for what is left")
        facts, done = take_down(transport, config, reporter, only_ray)
    answers = [each for each in done if isinstance(each, Stopped)]
    survivors = [survived_kill(answer) for answer in answers if answer.left]
    if survivors:
        raise HostsError(survivors)
    if not only_ray and not facts.unreached:
        allocator_of(config).release(transport, config)
    stopped = {mark: n for answer in answers for mark, n in answer.stopped.items()}
    return StopReport(
        cluster=config.name,
        stopped=stopped,
        removed=removed_folders(facts, answers),
        killed=tuple(line for answer in answers for line in answer.killed),
        unreached=tuple(lost.error for lost in facts.unreached),
        seconds=time.monotonic() - begun,
    )


def take_down(
    transport: Transport, config: ClusterConfig, reporter: Reporter, only_ray: bool
) -> tuple[Facts, list[Done]]:
    """Once: the facts that it went by, and what each step answered."""
    facts = gather_facts(transport, config)
    if only_ray:
        refuse_while_used(facts)
    plan = plan_stop(config, facts, only_ray=only_ray)
    return facts, execute_locked(transport, config, facts, plan, reporter) if plan else []


def execute_locked(
    transport: Transport, config: ClusterConfig, facts: Facts, plan: Plan, reporter: Reporter
) -> list[Done]:
    """Under the lock, unless the head is gone or takes none: the rest must still come down."""
    if facts.head() is None:
        return execute(plan, transport, reporter, go_on=True)
    with cluster_lock(transport, config, reporter=reporter, needed=False) as lock:
        lock.audit(plan.title)
        return execute(plan, transport, reporter, lock.run(), go_on=True)


def removed_folders(facts: Facts, answers: Sequence[Stopped]) -> tuple[str, ...]:
    """Those of Ray in /tmp, but for what a host says could not go."""
    kept = [f"{answer.host}: {line}" for answer in answers for line in answer.kept]
    folders = [f"{host.node.name}: {folder}" for host in facts.hosts for folder in host.folders]
    return tuple(each for each in folders if not any(line.startswith(each) for line in kept))


def survived_kill(answer: Stopped) -> HostError:
    shown = ", ".join(f"{pid} ({line})" for pid, line in answer.left.items())
    hint = (
        "they wait for a driver or a disk that does not answer: only a reboot of the host ends them"
    )
    return HostError(answer.host, f"processes that survive KILL: {shown}", hint)


def refuse_while_used(facts: Facts) -> None:
    using = [
        (host, service)
        for host in facts.hosts
        for service in host.services
        if service.alive and service.name not in RAY_SERVICES
    ]
    blind = [host for host in facts.hosts if "services" in host.unread]
    told = [(host, f"{service.name} still runs") for host, service in using]
    told += [(host, "what runs there cannot be read") for host in blind]
    if told:
        raise PreflightError(*(Problem(w, h.node.name, "orchestrate teardown") for h, w in told))
