"""What of ours listens on a host, on which addresses, and who may ask it; pure."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address

from cluster.checks.ports import is_ours
from cluster.facts.hosts import RAY_SERVICES, Facts, HostFacts, Listener
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.runtimes.service import node_and_service

TOKEN = "whoever shows the cluster's token"
KEY = "whoever shows the API key (/health alone is open)"
LOGIN = "whoever may log in here"
LINK = "whoever is on that network"
ANYBODY = "whoever reaches this host on any network"
ALL_ADDRESSES = ("0.0.0.0", "::")


def listener_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """A line for each service and kind of asker; a warning where only the network decides."""
    for host in facts.hosts:
        found: dict[tuple[str, str], list[Listener]] = defaultdict(list)
        for each in host.ports if host.survey else ():
            if is_ours(config.name, host, each):
                service = node_and_service(each.mark or "")[1]
                found[service, who_may_ask(host, service, each)].append(each)
        for (service, who), held in sorted(found.items()):
            yield listener_finding(config, host, f"{service} listens on {places(held)}", who)


def listener_finding(config: ClusterConfig, host: HostFacts, what: str, who: str) -> Finding:
    if who != ANYBODY:
        return Finding("listeners", host.node.name, "pass", f"{what}: for {who}")
    network = config.cluster.fast_network or "the fast network"
    hint = f"a firewall that lets only {network} in; docs/security.md says what listens there"
    return Finding("listeners", host.node.name, "warning", f"{what}: for {who}", hint)


def who_may_ask(host: HostFacts, service: str, held: Listener) -> str:
    """Ray asks for its token everywhere; vLLM guards the port of its API, but not on loopback."""
    if service in RAY_SERVICES:
        return TOKEN
    if is_loopback(held.address):
        return LOGIN
    running = host.service(service)
    if running and running.labels.get("port") == held.port:
        return KEY
    return ANYBODY if held.address in ALL_ADDRESSES else LINK


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def places(held: list[Listener]) -> str:
    """As `10.0.0.1:6379, 40001`: ports by address."""
    ports: dict[str, list[int]] = defaultdict(list)
    for each in held:
        ports[each.address].append(each.port)
    return "; ".join(
        f"{address}:{', '.join(map(str, sorted(set(found))))}"
        for address, found in sorted(ports.items())
    )
