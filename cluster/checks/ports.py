"""Ports that Ray needs and somebody else may hold."""

from collections.abc import Iterator

from cluster.config import ClusterConfig
from cluster.facts import Facts, HostFacts
from cluster.finding import Finding


def ray_port_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    head = facts.head()
    if head is None:
        return
    wanted = {"ray.port": config.ray.port, "ray.dashboard_port": config.ray.dashboard_port}
    for key, port in wanted.items():
        yield port_finding(config.name, head, port, key)


def port_finding(cluster: str, host: HostFacts, port: int, key: str) -> Finding:
    """A port held by somebody else; what carries this cluster's mark is ours to replace."""
    held = host.listener(port)
    if held is None or (held.mark or "").startswith(f"{cluster}/{host.node.name}/"):
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
