"""The report of `models sync` as text; pure."""

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.errors import OrchestrateError, Problem
from cluster.units import GB, MB
from orchestrator.cli.render import table
from orchestrator.models.sync.sync import HostCopy, SyncReport


def sync_screen(report: SyncReport) -> RenderableType:
    others = [host for host in report.hosts if host.state != "source"]
    complete = [host for host in others if host.state != "failed"]
    head = (
        f"{report.model} ({report.bytes / GB:.2f} GB) is on {report.source} and "
        f"{len(complete)} of {len(others)} other hosts after {report.seconds:.1f} s"
    )
    if not others:
        head = f"{report.source} is the only host: there is nowhere to copy {report.model} to"
    if others and all(host.state == "shared" for host in others):
        head = f"all hosts share one folder: there is nothing to copy of {report.model}"
    rows = table("host", "state", "received", "sent", "time", "rate", "note")
    for host in report.hosts:
        rows.add_row(*map(Text, copy_cells(host)))
    return Group(Text(head), Text(f"checked against {report.verified}"), rows)


def copy_cells(host: HostCopy) -> tuple[str, ...]:
    return (
        host.host,
        host.state,
        f"{host.received / GB:.2f} GB" if host.received else "",
        f"{host.sent / GB:.2f} GB" if host.sent else "",
        f"{host.seconds:.1f} s" if host.seconds else "",
        f"{host.rate / MB:.0f} MB/s" if host.rate else "",
        host.detail,
    )


def sync_failure(report: SyncReport) -> OrchestrateError:
    """Every host that has no whole copy, and what to type next."""
    hint = "mend it and run the same command again: what has arrived is not sent again"
    return OrchestrateError(
        *(Problem(each.detail, each.host, hint) for each in report.hosts if each.state == "failed")
    )
