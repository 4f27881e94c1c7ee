"""What keeps a model from being launched on these hosts; pure."""

from collections.abc import Iterable, Iterator

from cluster.checks.machine import disk
from cluster.checks.ports import port_finding
from cluster.checks.reach import fast_address
from cluster.checks.software import version_findings
from cluster.config import ClusterConfig
from cluster.errors import Problem
from cluster.facts import Facts, HostFacts, RunningService
from cluster.finding import Finding
from cluster.plan import Service
from orchestrator.placement import Placement


def launch_problems(
    config: ClusterConfig,
    facts: Facts,
    placement: Placement,
    service: Service,
    existing: RunningService | None,
) -> list[Problem]:
    """Every problem at once."""
    first = placement.hosts[0]
    problems = [problem for host in placement.hosts for problem in host_problems(host)]
    if placement.needs_ray:
        problems += ray_problems(facts, placement)
        problems += failures(version_findings(config, facts))
        problems += failures(fast_address(host) for host in placement.hosts)
    if existing and existing.alive:
        problems += other_arguments(service, existing)
    else:
        problems += failures([port_finding(config.name, first, service.about["port"], "port")])
        problems += own_port_problems(first, service)
    return problems


def failures(findings: Iterable[Finding]) -> Iterator[Problem]:
    return (found.problem for found in findings if found.state == "failure")


def host_problems(host: HostFacts) -> Iterator[Problem]:
    if "vllm" not in host.versions:
        yield Problem(
            f"no vLLM in {host.venv}",
            host.node.name,
            f"{host.venv}/bin/python -m pip install vllm, or set `venv` in nodes.toml",
        )
    yield from failures(disk(host))


def ray_problems(facts: Facts, placement: Placement) -> Iterator[Problem]:
    alive = facts.ray_alive()
    missing = [host.node.name for host in placement.hosts if host.node.fast not in alive]
    if missing:
        yield Problem(
            f"Ray does not count {', '.join(missing)} alive, and the model spreads over "
            f"{len(placement.hosts)} hosts",
            "Ray",
            "orchestrate cluster start",
        )


def other_arguments(service: Service, existing: RunningService) -> Iterator[Problem]:
    if tuple(existing.words) != tuple(service.command.words):
        changed = sorted(set(existing.words) ^ set(service.command.words))
        yield Problem(
            f"{service.name} runs already, with other arguments ({' '.join(changed)})",
            service.node.name,
            "orchestrate teardown first, or ask for what runs",
        )


def own_port_problems(host: HostFacts, service: Service) -> Iterator[Problem]:
    port = service.about["port"]
    for other in host.services:
        if other.alive and other.name != service.name and other.about.get("port") == port:
            yield Problem(
                f"port {port} is taken by our own {other.name}",
                host.node.name,
                f"--set port={port + 1}",
            )
