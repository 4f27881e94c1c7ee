"""Ports that Ray needs and somebody else may hold."""

from collections.abc import Iterator, Sequence

from cluster.facts.hosts import Facts, HostFacts, Listener
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig


def ray_port_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    head = facts.head()
    if head is None:
        return
    wanted = {"ray.port": config.ray.port, "ray.dashboard_port": config.ray.dashboard_port}
    for key, port in wanted.items():
        yield port_finding(config.name, head, port, key)


def is_ours(cluster: str, host: HostFacts, held: Listener) -> bool:
    return (held.mark or "").startswith(f"{cluster}/{host.node.name}/")


def worker_port_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Ray gives each worker process a port of the range, and starts it anew where one is taken."""
    first, last = config.ray.worker_port_range
    for host in facts.hosts:
        if host.survey:
            held = {
                each.port: each
                for each in host.ports
                if first <= each.port <= last and not is_ours(config.name, host, each)
            }
            yield worker_ports(host, (first, last), tuple(held.values()))


def worker_ports(host: HostFacts, bounds: tuple[int, int], held: Sequence[Listener]) -> Finding:
    first, last = bounds
    if not held:
        return Finding(
            "port", host.node.name, "pass", f"{first} to {last} are free for Ray's workers"
        )
    few = len(held) <= (last - first + 1) // 2
    shown = ", ".join(f"{each.port} ({each.command or f'uid {each.uid}'})" for each in held[:3])
    return Finding(
        "port",
        host.node.name,
        "warning" if few else "failure",
        f"{len(held)} of the ports {first} to {last} for Ray's workers are taken: {shown}",
        "choose another `ray.worker_ports` in nodes.toml",
    )


def port_finding(cluster: str, host: HostFacts, port: int, key: str) -> Finding:
    """A port held by somebody else; what carries this cluster's mark is ours to replace."""
    held = host.listener(port)
    if held is None or is_ours(cluster, host, held):
        state = "ours" if held else "free"
        return Finding("port", host.node.name, "pass", f"{key} {port} is {state}")
    who = f"pid {held.pid} ({held.command})" if held.pid else f"a process of uid {held.uid}"
    stale = "; it looks like another Ray's GCS" if "gcs_server" in held.command else ""
    return Finding(
        "port",
        host.node.name,
        "failure",
        f"port {port} on {held.address} is taken by {who}{stale}",
        f"it is not ours and is left alone: end it, or choose another `{key}` in nodes.toml",
    )
