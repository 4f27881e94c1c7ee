"""What `serve` and `status` print; pure."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from cluster.inventory.cost import hour_and_day
from cluster.units import GIB, age
from orchestrator.cli.render import coloured, table
from orchestrator.serving.serve import ServeReport
from orchestrator.serving.status import HostStatus, ServiceStatus, StatusReport


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
    since = age(service.age_s) if service.age_s is not None else ""
    answer = f"{service.answer_s * 1000:.0f} ms" if service.answer_s is not None else ""
    return (
        Text(service.name),
        Text(service.host),
        coloured(service.state),
        Text(since),
        Text(answer),
        Text(service.url),
        Text(service.detail),
    )
