"""What `cluster check` found -> text; pure. A table for each place, passes in one line."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cluster.check import CheckReport
from cluster.finding import Finding, State
from cluster.runtimes.service import node_and_service
from cluster.start import StartReport
from cluster.stop import StopReport

COLOURS: dict[State, str] = {"failure": "bold red", "warning": "yellow", "pass": "green"}


def checked(report: CheckReport) -> RenderableType:
    """Hosts in the inventory's order, then what lies between hosts."""
    places = dict.fromkeys([*report.hosts, *(found.where for found in report.findings)])
    parts = [part for place in places for part in place_block(place, report.findings)]
    count = len(report.hosts)
    total = f"{count} host{'s' * (count > 1)} checked in {report.seconds:.1f} s: "
    return Group(*parts, Text(total + counted(report.findings)))


def place_block(place: str, findings: Sequence[Finding]) -> Iterator[RenderableType]:
    own = [found for found in findings if found.where == place]
    if own:
        yield Text(place, style="bold")
        yield Padding(finding_rows(own), (0, 0, 0, 2), expand=False)
        yield Text()


def finding_rows(findings: Sequence[Finding]) -> Table:
    made = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("state", "check", "what"):
        made.add_column(name, overflow="fold", no_wrap=name != "what")
    for state in ("failure", "warning"):
        for found in findings:
            if found.state == state:
                made.add_row(Text(state, COLOURS[found.state]), found.check, Text(found.what))
                if found.hint:
                    made.add_row("", "", Text(f"hint: {found.hint}"))
    shown = {found.check for found in findings if found.state != "pass"}
    passed = dict.fromkeys(found.check for found in findings if found.check not in shown)
    if passed:
        made.add_row(Text("pass", COLOURS["pass"]), "", Text(", ".join(passed)))
    return made


def counted(findings: Sequence[Finding]) -> str:
    """As in `1 failure, 2 warnings, 30 passes`."""
    counts = Counter[str](found.state for found in findings)
    names = {"failure": "failures", "warning": "warnings", "pass": "passes"}
    return ", ".join(
        f"{counts[state]} {state if counts[state] == 1 else plural}"
        for state, plural in names.items()
    )


def started(report: StartReport) -> RenderableType:
    if report.started:
        what = f"Ray is up on {len(report.hosts)} hosts after {report.seconds:.1f} s"
        what += f" (started: {', '.join(report.started)})"
    else:
        what = f"Ray was up already on {len(report.hosts)} hosts: {', '.join(report.hosts)}"
    return escape(
        f"{what}\n  address    {report.address}\n  dashboard  {report.dashboard}\n"
        "  next       orchestrate serve --model RECIPE"
    )


def stopped(report: StopReport) -> RenderableType:
    if not (report.stopped or report.unreached or report.removed):
        return escape(f"nothing of cluster {report.cluster} was running")
    lost = len(report.unreached)
    if lost:
        what = f"{lost} {'host' if lost == 1 else 'hosts'} could not be asked"
        done = f"stopped what answers in {report.seconds:.1f} s"
        lines = [f"cluster {report.cluster}: {done}; {what}"]
    else:
        lines = [f"cluster {report.cluster} is down after {report.seconds:.1f} s"]
    for mark, count in report.stopped.items():
        host, service = node_and_service(mark)
        lines.append(f"  {host}: {service} stopped ({count} processes)")
    lines += [f"  {folder} removed" for folder in report.removed]
    if report.killed:
        lines.append(f"  {len(report.killed)} processes did not end by themselves and were killed")
    return escape("\n".join(lines))
