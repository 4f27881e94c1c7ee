"""What keeps a model from being launched on these hosts; pure."""

from collections.abc import Iterator

from cluster.checks.gpus import held
from cluster.checks.ports import port_finding
from cluster.checks.reach import address_findings
from cluster.checks.software import version_findings, virtual_environment
from cluster.checks.table import CHECKS, findings_of
from cluster.facts.hosts import Facts, HostFacts, RunningService
from cluster.finding import Finding
from cluster.host.masking import argv_shown
from cluster.inventory.config import ClusterConfig
from cluster.runtimes.service import Service
from orchestrator.capacity.placement import Placement
from orchestrator.serving.endpoint import endpoints, require_endpoint


def software_findings(placement: Placement) -> list[Finding]:
    """What must be installed before anything else can be asked."""
    packages = ("ray", "vllm") if placement.needs_ray else ("vllm",)
    return [virtual_environment(host, packages) for host in placement.hosts]


def launch_findings(
    config: ClusterConfig,
    facts: Facts,
    placement: Placement,
    service: Service,
    existing: RunningService | None,
) -> list[Finding]:
    """Everything at once."""
    chosen = Facts(placement.hosts, ())
    findings = list(findings_of((each.serve for each in CHECKS), config, chosen))
    if placement.needs_ray:
        findings += [*ray_findings(facts, placement), *version_findings(config, facts)]
        findings += address_findings(config, chosen)
    if existing and existing.alive:
        return [*findings, *other_arguments(service, existing), *still_findings(service, existing)]
    wanted = -(-placement.ranks // len(placement.hosts))  # the first ones of each host
    findings += [f for host in placement.hosts for f in held(config.name, host, wanted)]
    first = placement.hosts[0]
    findings.append(port_finding(config.name, first, require_endpoint(service).port, "port"))
    return [*findings, *own_port_findings(first, service)]


def ray_findings(facts: Facts, placement: Placement) -> Iterator[Finding]:
    alive = facts.ray_alive()
    missing = [host.node.name for host in placement.hosts if host.node.fast not in alive]
    if missing:
        yield Finding(
            "ray",
            "Ray",
            "failure",
            f"Ray does not count {', '.join(missing)} alive, and the model spreads over "
            f"{len(placement.hosts)} hosts",
            "orchestrate cluster start",
        )


def other_arguments(service: Service, existing: RunningService) -> Iterator[Finding]:
    wanted, running = argv_shown(service.command.argv), argv_shown(existing.words)
    if running != wanted:
        changed = sorted(set(running) ^ set(wanted))
        yield Finding(
            "arguments",
            service.node.name,
            "failure",
            f"{service.name} runs already, with other arguments ({' '.join(changed)})",
            "orchestrate teardown first, or serve it with the arguments that it runs with",
        )


def still_findings(service: Service, existing: RunningService) -> Iterator[Finding]:
    """Asked for an answer, it would be silent for as long as one waits."""
    if existing.stopped:
        name, where = service.name, service.node.name
        what = f"{name} runs already, and stands still ({existing.stands_still})"
        hint = f"orchestrate logs {name} --host {where}, then orchestrate teardown"
        yield Finding("stopped", where, "failure", what, hint)


def own_port_findings(host: HostFacts, service: Service) -> Iterator[Finding]:
    port = require_endpoint(service).port
    for name, other in endpoints(host).items():
        if name != service.name and other.port == port:
            yield Finding(
                "port",
                host.node.name,
                "failure",
                f"port {port} is taken by our own {name}",
                f"--set port={port + 1}",
            )
