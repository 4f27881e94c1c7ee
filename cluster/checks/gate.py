"""(config, facts) -> what stands in the way of a start, and what --force lets pass; pure."""

from collections.abc import Collection, Iterable, Sequence

from cluster.checks.table import CHECKS, Table, findings_of, reasons_against_force
from cluster.errors import PreflightError, Problem, UsageError
from cluster.facts.hosts import Facts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.inventory.problems import nearest
from cluster.reporter import Reporter

CHECK = "orchestrate cluster check"


def start_findings(config: ClusterConfig, facts: Facts, table: Table = CHECKS) -> list[Finding]:
    """What concerns Ray on these hosts."""
    return list(findings_of((each.start for each in table), config, facts))


def known_names(force: Iterable[str], table: Table = CHECKS) -> frozenset[str]:
    """The names that --force was given. Raises UsageError for one that no check has."""
    names, never = {each.name for each in table}, reasons_against_force(table)
    problems = [
        Problem(f"no check is called `{name}`", "--force", nearest(name, names))
        for name in force
        if name not in names
    ]
    problems += [
        Problem(f"`{name}` cannot be forced: {never[name]}", "--force", CHECK)
        for name in force
        if name in never
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
    if found.check in reasons_against_force(CHECKS):
        return found.problem
    way = f"to go on all the same: --force {found.check}"
    return Problem(found.what, found.where, f"{found.hint}\n        {way}" if found.hint else way)


def audit_note(forced: Iterable[Finding]) -> str:
    """For the audit line: which checks were forced, and where they fail."""
    notes = [f"{found.check} of {found.where}: {found.what}" for found in forced]
    return f" [forced: {'; '.join(notes)}]" if notes else ""
