"""(config, facts) -> what stands in the way of a start, and what --force lets pass; pure."""

from collections.abc import Collection, Iterable, Sequence

from cluster.checks.clock import clock_findings
from cluster.checks.finding import Finding
from cluster.checks.link import link_findings
from cluster.checks.machine import disk_findings, limit_findings, shm_findings
from cluster.checks.memory import memory_findings
from cluster.checks.ports import ray_port_findings, worker_port_findings
from cluster.checks.reach import address_findings, ssh_findings, stray_findings
from cluster.checks.session import linger_findings
from cluster.checks.software import known_bad_findings, ray_findings, version_findings
from cluster.checks.table import CHECKS, NEVER_FORCED
from cluster.errors import PreflightError, Problem, UsageError
from cluster.facts.hosts import Facts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.problems import nearest
from cluster.reporter import Reporter

CHECK = "orchestrate cluster check"
START_CHECKS = (
    ssh_findings,
    stray_findings,
    clock_findings,
    ray_findings,
    address_findings,
    link_findings,
    memory_findings,
    disk_findings,
    shm_findings,
    limit_findings,
    linger_findings,
    version_findings,
    known_bad_findings,
    ray_port_findings,
    worker_port_findings,
)


def start_findings(config: ClusterConfig, facts: Facts) -> list[Finding]:
    """What concerns Ray on these hosts."""
    return [found for check in START_CHECKS for found in check(config, facts)]


def known_names(force: Iterable[str]) -> frozenset[str]:
    """The names that --force was given. Raises UsageError for one that no check has."""
    problems = [
        Problem(f"no check is called `{name}`", "--force", nearest(name, CHECKS))
        for name in force
        if name not in CHECKS
    ]
    problems += [
        Problem(f"`{name}` cannot be forced: {NEVER_FORCED[name]}", "--force", CHECK)
        for name in force
        if name in NEVER_FORCED
    ]
    if problems:
        raise UsageError(*problems)
    return frozenset(force)


def enforce(
    findings: Sequence[Finding], force: Collection[str], reporter: Reporter
) -> tuple[Finding, ...]:
    """The failures that --force lets pass. Raises PreflightError with all the others."""
    failures = [found for found in findings if found.state == "failure"]
    forced = tuple(found for found in failures if found.check in force)
    stopping = [found for found in failures if found not in forced]
    if stopping:
        raise PreflightError(*(with_way_out(found) for found in stopping))
    for found in forced:
        reporter.tell(f"forced past {found.check}: {found.problem.where}: {found.what}")
    warnings = dict.fromkeys(found.check for found in findings if found.state == "warning")
    if warnings:
        reporter.tell(f"warnings of {', '.join(warnings)}: {CHECK} shows them")
    return forced


def with_way_out(found: Finding) -> Problem:
    if found.check in NEVER_FORCED:
        return found.problem
    way = f"to go on all the same: --force {found.check}"
    return Problem(found.what, found.where, f"{found.hint}\n        {way}" if found.hint else way)


def audit_note(forced: Iterable[Finding]) -> str:
    """For the audit line: which checks were forced, and where they fail."""
    notes = [f"{found.check} of {found.where}: {found.what}" for found in forced]
    return f" [forced: {'; '.join(notes)}]" if notes else ""
