"""What `status` prints; pure."""

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.inventory.cost import hour_and_day
from cluster.units import GIB, age
from orchestrator.cli.render import coloured, table
from orchestrator.serving.status import HostStatus, ServiceStatus, StatusReport


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
    rows = [*((h.name, h.hint) for h in report.hosts), *((s.host, s.hint) for s in report.services)]
    hints = dict.fromkeys(f"hint: {name}: {hint}" for name, hint in rows if hint)
    parts += [Text("\n".join(["", *hints]))] if hints else []
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
