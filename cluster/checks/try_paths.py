"""Every path between the hosts tried at once: each opens ports, then all call on all."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cluster.checks.paths import HostPaths, Kind, Opened, Tried, findings_of
from cluster.errors import OrchestrateError
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.transport.answers import no_sense
from cluster.transport.dialogue import Dialogue, dialogues
from cluster.transport.parallel import gather
from cluster.transport.program import Program, program
from cluster.transport.protocol import Transport

PROGRAM = "cluster.host.path_check"
FREE_PORTS = 2  # such as vLLM, NCCL and Gloo ask of the kernel for their rendezvous
LEAST_MTU = 1500


@dataclass(frozen=True)
class Offer:
    """What a host opened: (port, kind, state) each, and where it takes datagrams."""

    ports: tuple[tuple[int, Kind, str], ...]
    udp: int


@dataclass(frozen=True)
class Way:
    """What became of its calls on one other host."""

    source: str
    ports: Mapping[int, str]
    mtu: int | None


@dataclass(frozen=True)
class Ways:
    """By the other host's name."""

    peers: Mapping[str, Way]


OFFER, WAYS = TypeAdapter(Offer), TypeAdapter(Ways)
Opening = Dialogue[HostFacts, Offer]


def path_findings(transport: Transport, config: ClusterConfig, facts: Facts) -> list[Finding]:
    """Ports, MTU and route between every pair of hosts; nothing to say of fewer than two."""
    hosts = [host for host in facts.hosts if is_on_link(host)]
    if len(hosts) < 2:
        return []
    tried, broken = try_paths(transport, config, hosts)
    return [
        *(Finding("paths", p.where, "failure", p.what, p.hint) for e in broken for p in e.problems),
        *findings_of(config, tried),
    ]


def is_on_link(host: HostFacts) -> bool:
    """One whose link is down is a finding already."""
    link = host.fast_interface
    return link is not None and link.up and link.name != "lo"


def try_paths(
    transport: Transport, config: ClusterConfig, hosts: Sequence[HostFacts]
) -> tuple[list[HostPaths], list[OrchestrateError]]:
    """Two round trips a host, all hosts at once; a host that fails does not hide the others."""
    nonce = secrets.token_hex(8)

    def make(host: HostFacts) -> Program:
        return program(PROGRAM, opening(config, host, nonce))

    with dialogues(transport, hosts, make, OFFER) as (opened, broken):
        ended = [outcome for _, outcome in gather(opened, lambda one: ask(one, opened))]
    broken += [each for each in ended if isinstance(each, OrchestrateError)]
    return [each for each in ended if isinstance(each, HostPaths)], broken


def opening(config: ClusterConfig, host: HostFacts, nonce: str) -> dict[str, Any]:
    first, last = config.ray.worker_ports.split("-")
    return {
        "address": host.node.fast,
        "nonce": nonce,
        "fixed": [config.ray.port] if host.node.is_head else [],
        "ranges": [[int(first), int(last)]],
        "free": FREE_PORTS,
    }


def ask(one: Opening, opened: Sequence[Opening]) -> HostPaths:
    others = [other for other in opened if other is not one]
    one.ask({"peers": [peer_of(one.host, other) for other in others]})
    answer = one.next(WAYS).peers
    if missing := {other.host.node.name for other in others} - answer.keys():
        raise no_sense(one.host.node, PROGRAM, f"nothing of {', '.join(sorted(missing))}")
    tried = {other.host.node.name: tried_of(one, other, answer) for other in others}
    return HostPaths(one.host, tuple(Opened(*entry) for entry in one.hello.ports), tried)


def tried_of(one: Opening, other: Opening, answer: Mapping[str, Way]) -> Tried:
    """Of the ports that the other host offers, and no others."""
    way = answer[other.host.node.name]
    offered = [port for port, _, _ in other.hello.ports]
    ports = {port: way.ports[port] for port in offered if port in way.ports}
    return Tried(way.source, ports, way.mtu, full_size(one.host, other.host))


def peer_of(host: HostFacts, other: Opening) -> dict[str, Any]:
    return {
        "name": other.host.node.name,
        "address": other.host.node.fast,
        "ports": [port for port, _, state in other.hello.ports if state in ("open", "held")],
        "udp": other.hello.udp,
        "bytes": full_size(host, other.host),
    }


def full_size(one: HostFacts, other: HostFacts) -> int:
    """The largest packet that both ends take; where they differ, the facts' own check says so."""
    known = [host.fast_interface.mtu for host in (one, other) if host.fast_interface]
    return min((mtu for mtu in known if mtu), default=LEAST_MTU)
