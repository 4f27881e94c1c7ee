"""The verb `status`: hosts, Ray, services, memory, address, health by a generation."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from cluster.errors import OrchestrateError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HEAD, WORKER, Facts, HostFacts, RunningService, Unreached
from cluster.inventory.config import ClusterConfig
from cluster.inventory.cost import HourlyCost, hourly_cost
from cluster.transport.http import http_client
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from orchestrator.serving.api_key import find_key
from orchestrator.serving.health import asked_at, generate_once, problem_of
from orchestrator.serving.media import ask_media
from orchestrator.serving.prepare import gpus_in_use

GENERATION_LIMIT_S = 10.0


@dataclass(frozen=True)
class HostStatus:
    """One row: memory in bytes; `ray` is alive, lost, off or unknown."""

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


def status(transport: Transport, config: ClusterConfig) -> StatusReport:
    """Ask every host once, and every model for a few tokens."""
    begun = time.monotonic()
    facts = gather_facts(transport, config)
    known = {lost.node.name: lost_host(lost) for lost in facts.unreached}
    known |= {host.node.name: host_status(facts, host) for host in facts.hosts}
    pairs = [(host, service) for host in facts.hosts for service in host.services]
    checked = gather(pairs, lambda pair: service_status(transport, config, facts, *pair))
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
        measured=tuple(measured(config, pairs)),
    )


def measured(
    config: ClusterConfig, pairs: Sequence[tuple[HostFacts, RunningService]]
) -> Iterator[str]:
    """What the newest bench of each model that runs says of its costs."""
    for _, service in pairs:
        recipe, gpus = service.labels.get("recipe"), service.labels.get("gpus")
        cost = hourly_cost(config.cost, gpus) if service.alive and recipe and gpus else None
        if cost:
            from orchestrator.bench.latest import measured_costs  # slow to import, rarely asked for

            yield from (f"{recipe}: {line}" for line in measured_costs(str(recipe), cost))


def lost_host(lost: Unreached) -> HostStatus:
    node = lost.node
    what = "; ".join(problem.what for problem in lost.error.problems)
    return HostStatus(node.name, node.role, node.address, "unreachable", what, ray="unknown")


def host_status(facts: Facts, host: HostFacts) -> HostStatus:
    return HostStatus(
        name=host.node.name,
        role=host.node.role,
        address=host.node.address,
        state="up",
        problem="the model cache hangs" if host.cache.hangs else "",
        ray=ray_state(facts, host),
        gpus=host.gpu_count,
        gpu_name=host.gpus[0].name if host.gpus else "",
        memory_available=host.memory.available,
        memory_total=host.memory.total,
    )


def ray_state(facts: Facts, host: HostFacts) -> str:
    service = host.service(HEAD if host.node.is_head else WORKER)
    if host.node.fast in facts.ray_alive():
        return "alive"
    if service is None:
        return "off"
    head = facts.head()
    asked = head is not None and head.ray_nodes is not None
    return "lost" if asked or not service.alive else "unknown"


def broken(host: HostFacts, service: RunningService, error: OrchestrateError) -> ServiceStatus:
    detail = "; ".join(problem.what for problem in error.problems)
    return ServiceStatus(service.name, host.node.name, "failing", detail)


def strays(host: HostFacts) -> Iterator[ServiceStatus]:
    """What runs here under a name that the inventory gives to no node, or to another one."""
    for mark, pids in host.strays.items():
        _, node, service = mark.split("/")
        detail = f"started as node {node}, which this host is no longer: orchestrate teardown"
        yield ServiceStatus(service, host.node.name, "stray", detail, processes=len(pids))


def service_status(
    transport: Transport,
    config: ClusterConfig,
    facts: Facts,
    host: HostFacts,
    service: RunningService,
) -> ServiceStatus:
    def row(state: str, detail: str = "", answer_s: float | None = None) -> ServiceStatus:
        return ServiceStatus(
            service.name,
            host.node.name,
            state,
            detail,
            url_of(service.labels),
            service.age_s,
            answer_s,
            len(service.pids),
            str(service.labels.get("commit", "")),
        )

    if not service.alive:
        if service.exit:
            return row("failed", str(service.exit.get("reason")))
        return row("leftover", f"{len(service.pids)} processes without a supervisor")
    if "port" not in service.labels:
        return row("running")
    try:
        answer_s = ask(transport, config, host, service)
    except httpx.ConnectError:
        return row("starting", last_line(service))
    except httpx.HTTPError as error:
        return row("failing", problem_of(error))
    return row("ready", what_runs(service), answer_s)


def ask(
    transport: Transport, config: ClusterConfig, host: HostFacts, service: RunningService
) -> float:
    """Seconds for an answer of what it is there for. Raises httpx.HTTPError."""
    if "served_name" in service.labels:
        return ask_model(transport, config, host, service)
    return ask_media(transport, host.node, service.labels["port"])


def what_runs(service: RunningService) -> str:
    """The folder that is served; the split, and the commit where the files come from a hub."""
    commit = str(service.labels.get("commit", ""))
    what = str(service.labels.get("folder") or service.labels.get("split", ""))
    return what + (f", commit {commit[:12]}" if commit else "")


def ask_model(
    transport: Transport, config: ClusterConfig, host: HostFacts, service: RunningService
) -> float:
    """Seconds for one short generation. Raises httpx.HTTPError."""
    about = service.labels
    address = asked_at(about["host"])
    key = find_key(transport, config, host)
    with http_client(transport, host.node, address, about["port"], key=key) as http:
        served = about["served_name"]
        return generate_once(http, served, tokens=1, timeout_s=GENERATION_LIMIT_S).seconds


def url_of(about: Mapping[str, object]) -> str:
    if "port" not in about:
        return ""
    return f"http://{about['host']}:{about['port']}" + ("/v1" if "served_name" in about else "/")


def last_line(service: RunningService) -> str:
    return service.last_lines[-1].strip()[:120] if service.last_lines else "no log yet"
