"""What was tried between the hosts -> findings; pure. A fault that several share is told once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from typing import Literal

from cluster.facts.hosts import HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig

Kind = Literal["fixed", "range", "free"]
PURPOSE: Mapping[Kind, str] = {
    "fixed": "ray.port",
    "range": "ray.worker_ports",
    "free": "any free port, as vLLM and NCCL take",
}
SILENT = "dropped"
JUMBO_SWITCH = "on the switch allow 9216 on both ports"


@dataclass(frozen=True)
class Opened:
    """A port that a host offered: opened for the check, or held already."""

    port: int
    kind: Kind
    state: str


@dataclass(frozen=True)
class Tried:
    """One host's way to another: its own address on it, the ports, the largest packet in bytes."""

    source: str
    ports: Mapping[int, str]
    mtu: int | None
    full: int

    @property
    def is_dead(self) -> bool:
        return self.mtu is None and set(self.ports.values()) <= {SILENT}


@dataclass(frozen=True)
class HostPaths:
    """What one host offered, and what became of its calls on the others, by their names."""

    host: HostFacts
    opened: tuple[Opened, ...]
    tried: Mapping[str, Tried]

    @property
    def name(self) -> str:
        return self.host.node.name


Ways = Mapping[str, Tried]  # to one host, by the name of the host that called


def findings_of(config: ClusterConfig, paths: Sequence[HostPaths]) -> list[Finding]:
    """For each host as the target of all the others."""
    found = dead_findings(paths)
    for target in paths:
        ways = {each.name: each.tried[target.name] for each in paths if target.name in each.tried}
        alive = {name: way for name, way in ways.items() if not way.is_dead}
        found += unopened(target)
        if alive:
            found += firewall_findings(config, target, alive)
            found += size_findings(target, alive)
        found += route_findings(target)
    return found


def dead_findings(paths: Sequence[HostPaths]) -> list[Finding]:
    """Those with the most dead ways first; the way back of one that was told is not told again."""
    dead = {(each.name, name) for each in paths for name, way in each.tried.items() if way.is_dead}
    found, told_of = [], set[tuple[str, str]]()
    for target in sorted(paths, key=lambda each: -sum(each.name in pair for pair in dead)):
        sources = [each.name for each in paths if (each.name, target.name) in dead - told_of]
        told_of |= {(target.name, name) for name in sources}
        if sources:
            found.append(dead_finding(target, sources))
    return found


def dead_finding(target: HostPaths, sources: Sequence[str]) -> Finding:
    return Finding(
        "paths",
        place(sources, target),
        "failure",
        f"nothing arrives at {target.host.node.fast}{told(sources)}: no port and no packet is "
        "answered",
        f"on {target.name}: ip -br address; ip neigh; is it the same cable and network, or does "
        "a firewall drop all?",
    )


def unopened(target: HostPaths) -> Iterator[Finding]:
    for each in target.opened:
        if each.state not in ("open", "held"):
            yield Finding(
                "firewall",
                target.name,
                "warning",
                f"port {each.port} ({PURPOSE[each.kind]}) could not be tried: {each.state}",
                "may the SSH user listen there? choose a port above 1023 in nodes.toml",
            )


def firewall_findings(config: ClusterConfig, target: HostPaths, ways: Ways) -> Iterator[Finding]:
    groups: dict[tuple[tuple[int, ...], str], list[str]] = defaultdict(list)
    for source, way in ways.items():
        for outcome in sorted(set(way.ports.values()) - {"open"}):
            ports = tuple(port for port, found in way.ports.items() if found == outcome)
            groups[ports, outcome].append(source)
    for (ports, outcome), sources in groups.items():
        yield Finding(
            "firewall",
            place(sources, target),
            "failure",
            f"{named(target, ports)} of {target.host.node.fast}: {verb(outcome)}{told(sources)}",
            firewall_hint(config, target, ports, outcome),
        )
    if not groups:
        yield Finding(
            "firewall",
            target.name,
            "pass",
            f"{', '.join(ways)} connected to TCP {', '.join(str(e.port) for e in target.opened)}",
        )


def named(target: HostPaths, ports: Sequence[int]) -> str:
    """As in `TCP port 6379 (ray.port)`."""
    kinds = {each.port: each.kind for each in target.opened}
    shown = ", ".join(f"{port} ({PURPOSE[kinds[port]]})" for port in ports)
    return f"TCP port {shown}" if len(ports) == 1 else f"TCP ports {shown}"


def verb(outcome: str) -> str:
    if outcome == SILENT:
        return "dropped (no answer within 2.5 s)"
    return "refused" if outcome == "refused" else f"not reached ({outcome})"


def firewall_hint(
    config: ClusterConfig, target: HostPaths, ports: Sequence[int], outcome: str
) -> str:
    held = [each.port for each in target.opened if each.port in ports and each.state == "held"]
    if outcome == "refused" and held:
        return f"on {target.name}: ss -ltnp sport = :{held[0]} shows who has the port"
    network = config.cluster.fast_network or network_of(target)
    return (
        f"a firewall; on {target.name}: sudo ufw allow from {network}, or sudo firewall-cmd "
        f"--permanent --zone=trusted --add-source={network}, or sudo nft list ruleset"
    )


def network_of(target: HostPaths) -> IPv4Network:
    fast = target.host.fast_interface
    return IPv4Interface(
        fast.networks[0] if fast and fast.networks else target.host.node.fast
    ).network


def size_findings(target: HostPaths, ways: Ways) -> Iterator[Finding]:
    groups: dict[tuple[int | None, int], list[str]] = defaultdict(list)
    for source, way in ways.items():
        groups[way.mtu, way.full].append(source)
    whole: list[int] = []
    for (mtu, full), sources in groups.items():
        if mtu is None:
            yield Finding(
                "path-mtu",
                place(sources, target),
                "warning",
                f"UDP is not answered{told(sources)}: whether packets of {full} bytes arrive is "
                "not known",
                f"a firewall on {target.name} that lets TCP through and drops UDP?",
            )
        elif mtu < full:
            yield Finding(
                "path-mtu",
                place(sources, target),
                "failure",
                f"packets of {full} bytes do not arrive{told(sources)}; the largest that does "
                f"has {mtu}",
                f"{JUMBO_SWITCH}, or on all hosts: {set_mtu(target, mtu)}",
            )
        else:
            whole.append(full)
    if len(whole) == len(groups):
        sizes = " and ".join(map(str, sorted(set(whole))))
        yield Finding(
            "path-mtu", target.name, "pass", f"packets of {sizes} bytes arrive unfragmented"
        )


def set_mtu(target: HostPaths, mtu: int) -> str:
    fast = target.host.fast_interface
    return f"sudo ip link set dev {fast.name if fast else 'DEVICE'} mtu {mtu}"


def route_findings(paths: HostPaths) -> Iterator[Finding]:
    address = paths.host.node.fast
    for name, way in paths.tried.items():
        if way.source not in ("", "0.0.0.0", address):
            yield Finding(
                "route",
                f"{paths.name} -> {name}",
                "warning",
                f"leaves from {way.source}, not from the fast address {address}",
                f"on {paths.name}: ip route; has {address} the same prefix length everywhere?",
            )


def place(sources: Sequence[str], target: HostPaths) -> str:
    return f"{sources[0]} -> {target.name}" if len(sources) == 1 else target.name


def told(sources: Sequence[str]) -> str:
    return f" for {', '.join(sources)}" if len(sources) > 1 else ""
