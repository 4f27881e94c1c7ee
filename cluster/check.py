"""The verb `cluster check`: everything that can be known before anything starts, all at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cluster.checks.table import CHECKS, AskingCheck, Table, findings_of
from cluster.errors import OrchestrateError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport


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


def check_cluster(
    transport: Transport, config: ClusterConfig, reporter: Reporter, table: Table = CHECKS
) -> CheckReport:
    """Run every check; a host that cannot be reached is a finding.

    Nothing stays on the hosts: the file that proves a shared cache is removed again.
    """
    begun = time.monotonic()
    reporter.tell(f"asking {', '.join(node.name for node in config.node)}")
    facts = gather_facts(transport, config, survey=True, names=looked_up(config))
    findings = list(findings_of((each.run for each in table), config, facts))
    asking = dict.fromkeys(each.ask for each in table if each.ask)
    findings += ask_all(transport, config, facts, tuple(asking))
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


def ask_all(
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
