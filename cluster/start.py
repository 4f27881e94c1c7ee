"""The verb `cluster start`: facts, plan, execute, wait until Ray counts every host."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cluster.checks.finding import Finding
from cluster.checks.gate import audit_note, go_on, start_findings
from cluster.checks.try_paths import path_findings
from cluster.errors import OrchestrateError, PreflightError
from cluster.execution.execute import Run, execute
from cluster.execution.kept_secret import find_secret
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Stage, Start, Stop
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts, HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.ray.join import await_nodes
from cluster.ray.plan import hosts_to_start, plan_start
from cluster.ray.token import NAME
from cluster.reporter import Reporter
from cluster.runtimes.service import Service
from cluster.transport.protocol import Transport


@dataclass(frozen=True)
class StartReport:
    """What came up: hosts started now, hosts that were up already, and how long it took."""

    cluster: str
    address: str
    dashboard: str
    hosts: tuple[str, ...]
    started: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """The plan, the head's facts, and the failing checks that were forced."""

    plan: Plan
    head: HostFacts
    forced: tuple[Finding, ...]


def prepare_start(
    transport: Transport, config: ClusterConfig, reporter: Reporter, force: Collection[str] = ()
) -> Prepared:
    """What would be done. Raises PreflightError with everything that is in the way."""
    facts: Facts = gather_facts(transport, config, survey=True)
    findings = list(start_findings(config, facts))
    head = facts.head()
    plan = Plan("cluster start")
    if head is not None:
        missing = hosts_to_start(config, facts)
        token = find_secret(transport, config, head, NAME) if missing else ""
        plan = plan_start(config, facts, token)
    if plan and not facts.unreached:  # what is up already shows that the paths are open
        reporter.tell("trying the paths between the hosts")
        findings += path_findings(transport, config, facts)
    forced = go_on(findings, force, reporter)
    if head is None:
        raise PreflightError(*(p for lost in facts.unreached for p in lost.error.problems))
    return Prepared(plan, head, forced)


def start_cluster(
    transport: Transport, config: ClusterConfig, reporter: Reporter, force: Collection[str] = ()
) -> StartReport:
    """Bring Ray up on all hosts; what is up already stays as it is."""
    begun = time.monotonic()
    with cluster_lock(transport, config, reporter=reporter) as lock:
        prepared = prepare_start(transport, config, reporter, force)
        plan, head = prepared.plan, prepared.head
        services = started_by(plan)
        started = ", ".join(service.mark for service in services) or "nothing to do"
        lock.audit(f"cluster start: {started}{audit_note(prepared.forced)}")
        try:
            execute(plan, transport, reporter, lock.run())
            await_nodes(transport, config, head, services, reporter)
        except BaseException:
            take_back(services, transport, reporter, lock.id)
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
    services: Sequence[Service],
    transport: Transport,
    reporter: Reporter,
    run_id: str,
    *,
    keep_record: bool = False,
) -> None:
    """Stop these services where this very run has started them: another run may have begun since,
    if this one stood still. A failure is told, so that it does not hide the first error.
    """
    reporter.tell(
        f"stopping what this run has started: {', '.join(s.mark for s in services) or 'nothing'}"
    )
    stops = tuple(
        Stop(service.node, (service.mark,), keep_record=keep_record, only_this_run=True)
        for service in services
    )
    try:
        execute(Plan("take back", (Stage("stop", stops),)), transport, run=Run(run_id))
    except OrchestrateError as error:
        reporter.tell(f"could not stop everything, orchestrate teardown will: {error}")
