"""(config, facts) -> every Problem at once, before anything is started; pure."""

from cluster.check import FactCheck
from cluster.checks.machine import disk_findings
from cluster.checks.ports import ray_port_findings
from cluster.checks.reach import address_findings, ssh_findings
from cluster.checks.software import venv_findings, version_findings
from cluster.config import ClusterConfig
from cluster.errors import Problem
from cluster.facts import Facts

START_CHECKS: tuple[FactCheck, ...] = (
    ssh_findings,
    venv_findings,
    address_findings,
    disk_findings,
    version_findings,
    ray_port_findings,
)


def start_problems(config: ClusterConfig, facts: Facts) -> list[Problem]:
    """What keeps Ray from coming up on these hosts."""
    findings = [found for check in START_CHECKS for found in check(config, facts)]
    return [found.problem for found in findings if found.state == "failure"]
