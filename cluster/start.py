"""The verb `cluster start`: facts, plan, execute, wait until Ray counts every host."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cluster.allocators import allocator_of
from cluster.checks.gate import audit_note, enforce, start_findings
from cluster.checks.try_paths import path_findings
from cluster.errors import OrchestrateError, PreflightError
from cluster.execution.execute import Run, execute
from cluster.execution.kept_secret import find_secret
from cluster.execution.lock import Lock, cluster_lock
from cluster.execution.plan import Plan, Stage, Stop
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import RAY_SERVICES, Facts, HostFacts
from cluster.finding import Finding
from cluster.host.ray_token import TOKEN_NAME
from cluster.inventory.config import ClusterConfig
from cluster.ray.join import await_nodes
from cluster.ray.plan import hosts_to_start, plan_start
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
    """What would be done on the nodes that are there. Raises PreflightError with everything that
    is in the way.
    """
    facts = gather_facts(transport, config, survey=True)
    plan = plan_what_is_missing(transport, config, facts)
    findings = [
        *start_findings(config, facts),
        *try_paths(transport, config, facts, plan, reporter),
    ]
    forced = enforce(findings, force, reporter)
    return Prepared(plan, require_head(facts), forced)


def start_cluster(
    transport: Transport, config: ClusterConfig, reporter: Reporter, force: Collection[str] = ()
) -> StartReport:
    """Bring Ray up on all hosts; what is up already stays as it is."""
    begun = time.monotonic()
    config = acquire_nodes(transport, config, reporter)
    with cluster_lock(transport, config, reporter=reporter) as lock:
        prepared = prepare_start(transport, config, reporter, force)
        lock.audit(audit_line(prepared))
        bring_up(transport, config, prepared, reporter, lock)
    return report_of(config, prepared, time.monotonic() - begun)


def acquire_nodes(transport: Transport, config: ClusterConfig, reporter: Reporter) -> ClusterConfig:
    """Before the lock, which lies on one of them; a dry run acquires none."""
    nodes = allocator_of(config).acquire(transport, config, reporter)
    return config.model_copy(update={"node": nodes})


def plan_what_is_missing(transport: Transport, config: ClusterConfig, facts: Facts) -> Plan:
    head = facts.head()
    if head is None or not hosts_to_start(config, facts):
        return Plan(f"start Ray of cluster {config.name}")
    return plan_start(config, facts, find_secret(transport, config, head, TOKEN_NAME))


def try_paths(
    transport: Transport, config: ClusterConfig, facts: Facts, plan: Plan, reporter: Reporter
) -> Iterable[Finding]:
    """What is up already shows that the paths are open."""
    if not plan or facts.unreached:
        return ()
    reporter.tell("trying the paths between the hosts")
    return path_findings(transport, config, facts)


def require_head(facts: Facts) -> HostFacts:
    head = facts.head()
    if head is None:
        raise PreflightError(*facts.lost)
    return head


def audit_line(prepared: Prepared) -> str:
    marks = [service.mark for service in prepared.plan.starts()]
    return f"cluster start: {', '.join(marks) or 'nothing to do'}{audit_note(prepared.forced)}"


def bring_up(
    transport: Transport, config: ClusterConfig, prepared: Prepared, reporter: Reporter, lock: Lock
) -> None:
    """Execute, and wait until Ray counts every host; what fails is rolled back."""
    services = prepared.plan.starts()
    try:
        execute(prepared.plan, transport, reporter, lock.run())
        await_nodes(transport, config, prepared.head, services, reporter)
    except BaseException:
        rollback(services, transport, reporter, lock.id)
        raise


def report_of(config: ClusterConfig, prepared: Prepared, seconds: float) -> StartReport:
    return StartReport(
        cluster=config.name,
        address=f"{config.head.fast}:{config.ray.port}",
        dashboard=f"http://127.0.0.1:{config.ray.dashboard_port} on {config.head.name}",
        hosts=tuple(node.name for node in config.node),
        started=tuple(service.node.name for service in prepared.plan.starts()),
        seconds=seconds,
    )


def own_folders(service: Service) -> tuple[str, ...]:
    """Ray's folder in /tmp goes with Ray; what a model is read from never does."""
    return service.needs.paths if service.name in RAY_SERVICES else ()


def rollback(
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
        Stop(
            service.node,
            (service.mark,),
            remove=own_folders(service),
            keep_record=keep_record,
            only_this_run=True,
        )
        for service in services
    )
    try:
        execute(Plan("roll back", (Stage("stop", stops),)), transport, run=Run(run_id))
    except OrchestrateError as error:
        reporter.tell(f"could not stop everything, orchestrate teardown will: {error}")
