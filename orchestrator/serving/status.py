"""The verb `status`: hosts, Ray, services, memory, address, health by a generation."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cluster.errors import OrchestrateError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HEAD, WORKER, Facts, HostFacts, RunningService, Unreached
from cluster.inventory.config import ClusterConfig
from cluster.inventory.cost import HourlyCost, hourly_cost
from cluster.ray.plan import stands_still
from cluster.runtimes.service import node_and_service
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from orchestrator.serving.endpoint import Endpoint, endpoint_of, gpus_in_use
from orchestrator.serving.state import Sighting, State, state_of

MeasuredCosts = Callable[[str, HourlyCost], Iterable[str]]


@dataclass(frozen=True)
class HostStatus:
    """One row: memory in bytes; `ray` is alive, lost, off or unknown; `hint` is what to do next."""

    name: str
    role: str
    address: str
    state: str
    problem: str = ""
    ray: str = "off"
    gpus: int = 0
    gpu_name: str = ""
    memory_available: int = 0
    memory_total: int = 0
    hint: str = ""


@dataclass(frozen=True)
class ServiceStatus:
    """One service: `state` is running, starting, ready, failing, failed, leftover or stray."""

    name: str
    host: str
    state: str
    detail: str = ""
    url: str = ""
    age_s: float | None = None
    answer_s: float | None = None
    processes: int = 0
    commit: str = ""
    hint: str = ""


@dataclass(frozen=True)
class StatusReport:
    cluster: str
    hosts: tuple[HostStatus, ...]
    services: tuple[ServiceStatus, ...]
    seconds: float
    cost: HourlyCost | None = None
    measured: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether everything that should run does: hosts answer, Ray is whole, models answer."""
        hosts = all(h.state == "up" and h.ray in ("alive", "off") for h in self.hosts)
        mixed = len({host.ray for host in self.hosts}) > 1
        return hosts and not mixed and all(s.state in ("running", "ready") for s in self.services)


def status(
    transport: Transport, config: ClusterConfig, costs: MeasuredCosts = lambda recipe, cost: ()
) -> StatusReport:
    """Ask every host once, and every model for a token; `costs` says what a bench has measured."""
    begun = time.monotonic()
    facts = gather_facts(transport, config)
    known = {lost.node.name: lost_host(lost) for lost in facts.unreached}
    known |= {host.node.name: host_status(facts, host) for host in facts.hosts}
    pairs = [(host, service) for host in facts.hosts for service in host.services]
    checked = gather(pairs, lambda pair: service_status(transport, config, *pair))
    services = [
        found if isinstance(found, ServiceStatus) else broken(pair[0], pair[1], found)
        for pair, found in checked
    ]
    services += [stray for host in facts.hosts for stray in strays(host)]
    return StatusReport(
        cluster=config.name,
        hosts=tuple(known[node.name] for node in config.node),
        services=tuple(services),
        seconds=time.monotonic() - begun,
        cost=hourly_cost(config.cost, gpus_in_use(facts)),
        measured=tuple(measured(config, pairs, costs)),
    )


def measured(
    config: ClusterConfig,
    pairs: Sequence[tuple[HostFacts, RunningService]],
    costs: MeasuredCosts,
) -> Iterator[str]:
    """What the newest bench of each model that runs says of its costs."""
    for _, service in pairs:
        endpoint = endpoint_of(service) if service.alive else None
        cost = hourly_cost(config.cost, endpoint.gpus) if endpoint and endpoint.gpus else None
        if endpoint and cost:
            yield from (f"{endpoint.recipe}: {line}" for line in costs(endpoint.recipe, cost))


def lost_host(lost: Unreached) -> HostStatus:
    node = lost.node
    what = "; ".join(problem.what.partition("\n")[0] for problem in lost.error.problems)
    hint = "; ".join(problem.hint for problem in lost.error.problems if problem.hint)
    return HostStatus(
        node.name, node.role, node.address, "unreachable", what, ray="unknown", hint=hint
    )


def host_status(facts: Facts, host: HostFacts) -> HostStatus:
    ray = ray_state(facts, host)
    return HostStatus(
        name=host.node.name,
        role=host.node.role,
        address=host.node.address,
        state="up",
        problem="the model cache hangs" if host.cache.hangs else "",
        ray=ray,
        gpus=host.gpu_count,
        gpu_name=host.gpus[0].name if host.gpus else "",
        memory_available=host.memory.available,
        memory_total=host.memory.total,
        hint="orchestrate cluster start" if ray == "lost" else "",
    )


def ray_state(facts: Facts, host: HostFacts) -> str:
    service = host.service(HEAD if host.node.is_head else WORKER)
    if service and service.alive and stands_still(service):
        return "lost"
    if host.node.fast in facts.ray_alive():
        return "alive"
    if service is None:
        return "off"
    head = facts.head()
    asked = head is not None and head.ray_nodes is not None
    return "lost" if asked or not service.alive else "unknown"


def broken(host: HostFacts, service: RunningService, error: OrchestrateError) -> ServiceStatus:
    detail = "; ".join(problem.what for problem in error.problems)
    return ServiceStatus(
        service.name, host.node.name, "failing", detail, hint=row_hint("failing", service, host)
    )


def strays(host: HostFacts) -> Iterator[ServiceStatus]:
    """What runs here under a name that the inventory gives to no node, or to another one."""
    for mark, pids in host.strays.items():
        node, service = node_and_service(mark)
        detail = f"started as node {node}, which this host is no longer: orchestrate teardown"
        yield ServiceStatus(
            service,
            host.node.name,
            "stray",
            detail,
            processes=len(pids),
            hint="orchestrate teardown ends it",
        )


def service_status(
    transport: Transport, config: ClusterConfig, host: HostFacts, service: RunningService
) -> ServiceStatus:
    endpoint, seen = endpoint_of(service), None
    if service.alive and service.stopped:
        seen = Sighting(True, problem=service.stands_still)
    elif service.alive and endpoint:
        from orchestrator.serving.look import look  # Ray alone needs no HTTP

        seen = look(transport, config, host, endpoint)
    state, detail = row_state(service, endpoint, seen)
    return ServiceStatus(
        service.name,
        host.node.name,
        state,
        detail,
        endpoint.url if endpoint else "",
        service.age_s,
        seen.answered_s if seen else None,
        len(service.pids),
        endpoint.commit if endpoint else "",
        row_hint(state, service, host),
    )


def row_hint(state: str, service: RunningService, host: HostFacts) -> str:
    """What to type where a service is not as it should be."""
    if state == "leftover":
        return "orchestrate teardown ends it and clears what is left of it"
    if state in ("failing", "failed"):
        return f"orchestrate logs {service.name} --host {host.node.name}"
    return ""


def row_state(
    service: RunningService, endpoint: Endpoint | None, seen: Sighting | None
) -> tuple[str, str]:
    """(the word for it, what a person wants to know besides)."""
    state = state_of(service, seen)
    if state is State.FAILED or state is State.STOPPING:
        return how_it_ended(service, state)
    if state is State.FAILING:
        return state, seen.problem if seen else ""
    if endpoint is None:
        return "running", ""
    if state is State.STARTING:
        return state, last_line(service)
    return state, what_runs(endpoint)


def how_it_ended(service: RunningService, state: State) -> tuple[str, str]:
    """What is known of one that nobody watches over any more."""
    damage = f"; damaged: {', '.join(service.damaged)}" if service.damaged else ""
    if state is State.FAILED:
        return "failed", str((service.exit or {}).get("reason")) + damage
    return "leftover", f"{len(service.pids)} processes without a supervisor{damage}"


def what_runs(endpoint: Endpoint) -> str:
    """The folder that is served; the split, and the commit where the files come from a hub."""
    commit = f", commit {endpoint.commit[:12]}" if endpoint.commit else ""
    return (endpoint.folder or endpoint.split) + commit


def last_line(service: RunningService) -> str:
    return service.last_lines[-1].strip()[:120] if service.last_lines else "no log yet"
