"""The verb `cluster check`: everything that can be known before anything starts, all at once."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cluster.checks.cache import cache_findings, share_findings
from cluster.checks.clock import clock_findings
from cluster.checks.finding import Finding
from cluster.checks.gpus import gpu_findings
from cluster.checks.link import link_findings
from cluster.checks.machine import disk_findings, limit_findings, shm_findings
from cluster.checks.memory import memory_findings
from cluster.checks.ports import ray_port_findings, worker_port_findings
from cluster.checks.reach import address_findings, ssh_findings, stray_findings
from cluster.checks.roce import roce_findings
from cluster.checks.session import dns_findings, linger_findings
from cluster.checks.software import known_bad_findings, venv_findings, version_findings
from cluster.checks.try_paths import path_findings
from cluster.errors import OrchestrateError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport

FactCheck = Callable[[ClusterConfig, Facts], Iterable[Finding]]
AskingCheck = Callable[[Transport, ClusterConfig, Facts], Iterable[Finding]]

# pure, in the order in which they are shown
FACT_CHECKS: tuple[FactCheck, ...] = (
    ssh_findings,
    stray_findings,
    clock_findings,
    venv_findings,
    version_findings,
    known_bad_findings,
    address_findings,
    link_findings,
    roce_findings,
    gpu_findings,
    memory_findings,
    disk_findings,
    shm_findings,
    limit_findings,
    linger_findings,
    ray_port_findings,
    worker_port_findings,
    dns_findings,
    cache_findings,
)
# those that ask the hosts something of their own; all run side by side
ASKING_CHECKS: tuple[AskingCheck, ...] = (share_findings, path_findings)


@dataclass(frozen=True)
class CheckReport:
    """What every check says; `hosts` are the inventory's names in its order."""

    cluster: str
    hosts: tuple[str, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        return any(finding.state == "failure" for finding in self.findings)


def check_cluster(transport: Transport, config: ClusterConfig, reporter: Reporter) -> CheckReport:
    """Run every check; a host that cannot be reached is a finding.

    Nothing stays on the hosts: the file that proves a shared cache is removed again.
    """
    begun = time.monotonic()
    reporter.tell(f"asking {', '.join(node.name for node in config.node)}")
    facts = gather_facts(transport, config, survey=True, names=looked_up(config))
    findings = [found for check in FACT_CHECKS for found in check(config, facts)]
    findings += asked(transport, config, facts, ASKING_CHECKS)
    return CheckReport(
        cluster=config.name,
        hosts=tuple(node.name for node in config.node),
        findings=tuple(findings),
        seconds=time.monotonic() - begun,
    )


def looked_up(config: ClusterConfig) -> list[str]:
    """The names in the inventory, which the hosts shall look up; each looks up its own besides."""
    return [node.address for node in config.node if not is_address(node.address)]


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def asked(
    transport: Transport, config: ClusterConfig, facts: Facts, checks: Sequence[AskingCheck]
) -> list[Finding]:
    """The findings of these checks, run side by side; a host that went away meanwhile is one."""
    outcomes = gather(checks, lambda check: list(check(transport, config, facts)))
    findings: list[Finding] = []
    for _, found in outcomes:
        if isinstance(found, OrchestrateError):
            findings += [
                Finding("ssh", each.where, "failure", each.what, each.hint)
                for each in found.problems
            ]
        else:
            findings += found
    return findings
