"""Frozen reports -> text or JSON; pure."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cluster.cost import hour_and_day
from cluster.start import StartReport
from cluster.stop import StopReport
from orchestrator.serve import ServeReport
from orchestrator.status import HostStatus, ServiceStatus, StatusReport

GIB = 1 << 30
GOOD = ("up", "alive", "ready", "running", "same")
NEUTRAL = ("off", "starting")


def as_json(report: Any) -> str:
    return json.dumps(report, indent=2, default=plain)


def plain(value: Any) -> Any:
    """Field by field: asdict() copies, and an error in a report cannot be copied."""
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)


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
    if not report.stopped and not report.unreached:
        return escape(f"nothing of cluster {report.cluster} was running")
    lines = [f"cluster {report.cluster} is down after {report.seconds:.1f} s"]
    for mark, count in report.stopped.items():
        _, host, service = mark.split("/")
        lines.append(f"  {host}: {service} stopped ({count} processes)")
    if report.killed:
        lines.append(f"  {len(report.killed)} processes did not end by themselves and were killed")
    return escape("\n".join(lines))


def served(report: ServeReport) -> RenderableType:
    rows = [
        f"  url        {report.url} (from {report.reached_from})",
        f"  split      {report.split}",
    ]
    if report.commit:
        pin = f"not pinned: orchestrate models lock {report.recipe}"
        rows.append(f"  commit     {report.commit} ({'models.lock' if report.locked else pin})")
    rows.append(f"  cache      {report.cache}")
    if report.key_file:
        rows.append(f"  API key    in {report.key_file} on {report.reached_from}")
    if report.ready is None:
        head = f"{report.served_name} was launched; it loads now"
        rows.append("  next       orchestrate status; orchestrate logs --follow")
    else:
        ready = report.ready
        head = f"{report.served_name} answers after {report.seconds:.1f} s"
        rows.append(
            f"  steps      port {ready.port_s:.1f} s, /health {ready.health_s:.1f} s, "
            f"first answer {ready.answer_s:.1f} s"
        )
        rows.append(f"  answer     {ready.answer.text!r} ({ready.answer.tokens} tokens)")
        rows.append("  next       orchestrate status; orchestrate teardown")
    return escape("\n".join([head, *rows]))


def status_screen(report: StatusReport) -> RenderableType:
    """One screen: hosts, then services."""
    hosts = table("host", "role", "address", "state", "Ray", "GPUs", "memory free", "note")
    for host in report.hosts:
        hosts.add_row(*host_cells(host))
    parts: list[RenderableType] = [Text(f"cluster {report.cluster}"), hosts]
    if report.services:
        services = table("service", "host", "state", "since", "answer", "url", "note")
        for service in report.services:
            services.add_row(*service_cells(service))
        parts += [Text(), services]
    elif all(host.state == "up" for host in report.hosts):
        parts += [Text("nothing of this cluster runs: orchestrate cluster start")]
    if report.cost:
        parts += [Text(), Text(f"cost: {hour_and_day(report.cost)}"), *map(Text, report.measured)]
    return Group(*parts)


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column != "note")
    return made


def host_cells(host: HostStatus) -> tuple[RenderableType, ...]:
    gpus = f"{host.gpus} {host.gpu_name}".strip() if host.state == "up" else ""
    memory = ""
    if host.memory_total:
        memory = f"{host.memory_available / GIB:.0f} of {host.memory_total / GIB:.0f} GiB"
    return (
        Text(host.name),
        Text(host.role),
        Text(host.address),
        coloured(host.state),
        coloured(host.ray),
        Text(gpus),
        Text(memory),
        Text(host.problem),
    )


def service_cells(service: ServiceStatus) -> tuple[RenderableType, ...]:
    age = duration(service.age_s) if service.age_s is not None else ""
    answer = f"{service.answer_s * 1000:.0f} ms" if service.answer_s is not None else ""
    return (
        Text(service.name),
        Text(service.host),
        coloured(service.state),
        Text(age),
        Text(answer),
        Text(service.url),
        Text(service.detail),
    )


def coloured(state: str) -> Text:
    if state in GOOD:
        return Text(state, style="green")
    return Text(state, style="yellow" if state in NEUTRAL else "bold red")


def duration(seconds: float) -> str:
    """As people say it: 42s, 3m, 5h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:.0f}s"
