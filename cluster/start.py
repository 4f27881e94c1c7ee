"""The verb `cluster start`: facts, plan, execute, wait until Ray counts every host."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cluster.config import ClusterConfig
from cluster.errors import OrchestrateError, PreflightError
from cluster.execute import Tell, execute
from cluster.facts import Facts, HostFacts, gather_facts
from cluster.join import await_nodes
from cluster.lock import cluster_lock
from cluster.plan import Plan, Service, Stage, Start, Stop
from cluster.preflight import start_problems
from cluster.ray import plan_start
from cluster.transport import Transport


@dataclass(frozen=True)
class StartReport:
    """What came up: hosts started now, hosts that were up already, and how long it took."""

    cluster: str
    address: str
    dashboard: str
    hosts: tuple[str, ...]
    started: tuple[str, ...]
    seconds: float


def plan_for(transport: Transport, config: ClusterConfig) -> tuple[Plan, HostFacts]:
    """The plan and the head's facts. Raises PreflightError with everything that is in the way."""
    facts: Facts = gather_facts(transport, config)
    problems = start_problems(config, facts)
    head = facts.head()
    if problems or head is None:
        raise PreflightError(*problems)
    return plan_start(config, facts), head


def start_cluster(transport: Transport, config: ClusterConfig, tell: Tell) -> StartReport:
    """Bring Ray up on all hosts; what is up already stays as it is."""
    begun = time.monotonic()
    with cluster_lock(transport, config) as lock:
        plan, head = plan_for(transport, config)
        services = started_by(plan)
        lock.audit(f"cluster start: {', '.join(s.mark for s in services) or 'nothing to do'}")
        try:
            execute(plan, transport, tell)
            await_nodes(transport, config, head, services, tell)
        except BaseException:
            take_back(services, transport, tell)
            raise
    return StartReport(
        cluster=config.name,
        address=f"{config.head.fast}:{config.ray.port}",
        dashboard=f"http://127.0.0.1:{config.ray.dashboard_port} on {config.head.name}",
        hosts=tuple(node.name for node in config.node),
        started=tuple(service.node.name for service in services),
        seconds=time.monotonic() - begun,
    )


def started_by(plan: Plan) -> tuple[Service, ...]:
    return tuple(
        step.service for stage in plan.stages for step in stage.steps if isinstance(step, Start)
    )


def take_back(
    services: Sequence[Service], transport: Transport, tell: Tell, *, keep_record: bool = False
) -> None:
    """Stop exactly these services; a failure is told, so that it does not hide the first error."""
    tell(f"stopping what this run has started: {', '.join(s.mark for s in services) or 'nothing'}")
    stops = tuple(
        Stop(service.node, (service.mark,), keep_record=keep_record) for service in services
    )
    try:
        execute(Plan("take back", (Stage("stop", stops),)), transport)
    except OrchestrateError as error:
        tell(f"could not stop everything, orchestrate teardown will: {error}")
