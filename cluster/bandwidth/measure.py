"""`cluster check --bandwidth`: every pair of hosts measured, no host ever in two runs at once."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cluster.bandwidth.findings import Measured, Rate, bandwidth_findings, rated
from cluster.bandwidth.nccl import NcclRate, measure_nccl, nccl_finding, why_not
from cluster.bandwidth.rdma import lanes, measure_rdma
from cluster.bandwidth.tcp import TOOLS, End, Pair, one_way, shown
from cluster.checks.try_paths import is_on_link
from cluster.errors import OrchestrateError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.transport.dialogue import dialogues
from cluster.transport.parallel import gather
from cluster.transport.program import Program, program
from cluster.transport.protocol import Transport

Item = TypeVar("Item")


@dataclass(frozen=True)
class BandwidthReport:
    """Every direction of every pair, what is wrong with it, and what was not measured and why."""

    cluster: str
    rates: tuple[Rate, ...]
    nccl: NcclRate | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        return any(finding.state == "failure" for finding in self.findings)


def measure_bandwidth(
    transport: Transport, config: ClusterConfig, reporter: Reporter
) -> BandwidthReport:
    """Measure all pairs. A host or a pair that cannot be measured is a finding."""
    begun = time.monotonic()
    facts = gather_facts(transport, config)
    hosts = [host for host in facts.hosts if is_on_link(host)]
    lost = [each.error for each in facts.unreached]
    measured, broken = measure_pairs(transport, hosts, reporter)
    nccl, note = measured_nccl(transport, config, hosts, reporter)
    rates = rated(config, facts, measured)
    findings = [*failed([*lost, *broken]), *off_link(facts), *bandwidth_findings(facts, rates)]
    return BandwidthReport(
        cluster=config.name,
        rates=rates,
        nccl=nccl if isinstance(nccl, NcclRate) else None,
        findings=(*findings, *nccl_findings(nccl)),
        notes=(note,) if note else (),
        seconds=time.monotonic() - begun,
    )


def measured_nccl(
    transport: Transport, config: ClusterConfig, hosts: Sequence[HostFacts], reporter: Reporter
) -> tuple[NcclRate | OrchestrateError | None, str]:
    """The rate or what went wrong; else a note that says why it was not measured."""
    if len(hosts) < 2:
        return None, "fewer than two hosts are on the fast link"
    if reason := why_not(hosts):
        return None, reason
    reporter.tell(f"NCCL all-gather on {len(hosts)} hosts")
    try:
        return measure_nccl(transport, config, hosts), ""
    except OrchestrateError as error:
        return error, ""


def nccl_findings(found: NcclRate | OrchestrateError | None) -> list[Finding]:
    if found is None:
        return []
    return [nccl_finding(found)] if isinstance(found, NcclRate) else failed([found])


def failed(errors: Sequence[OrchestrateError]) -> list[Finding]:
    return [
        Finding("bandwidth", problem.where, "failure", problem.what, problem.hint)
        for error in errors
        for problem in error.problems
    ]


def off_link(facts: Facts) -> list[Finding]:
    return [
        Finding(
            "bandwidth",
            host.node.name,
            "failure",
            f"{host.node.fast} is on no interface that is up",
            "orchestrate cluster check",
        )
        for host in facts.hosts
        if not is_on_link(host) and not host.node.fast.startswith("127.")
    ]


def measure_pairs(
    transport: Transport, hosts: Sequence[HostFacts], reporter: Reporter
) -> tuple[list[Measured], list[OrchestrateError]]:
    """By TCP and, where both hosts have what it needs, by RDMA."""

    def make(host: HostFacts) -> Program:
        return program("cluster.host.bandwidth", {"address": host.node.fast})

    def rdma(pair: Pair) -> Measured:
        return measure_rdma(transport, pair[0].host, pair[1].host)

    def tcp(pair: Pair) -> Measured:
        return one_way(pair, next(numbers))

    numbers = itertools.count(1)
    outcomes: list[Measured | OrchestrateError] = []
    with dialogues(transport, hosts, make, TOOLS) as (opened, broken):
        for way in ways(opened):
            outcomes += told("TCP", way, tcp, reporter)
            outcomes += told("RDMA", [pair for pair in way if has_rdma(pair)], rdma, reporter)
    broken += [each for each in outcomes if isinstance(each, OrchestrateError)]
    return [each for each in outcomes if isinstance(each, Measured)], broken


def told(
    by: str, way: Sequence[Pair], measure: Callable[[Pair], Measured], reporter: Reporter
) -> list[Measured | OrchestrateError]:
    if way:
        reporter.tell(f"{by}: {', '.join(map(shown, way))}")
    return [found for _, found in gather(way, measure)]


def ways(opened: Sequence[End]) -> Iterator[list[Pair]]:
    """Both directions of each round, one after the other."""
    for pairs in rounds(opened):
        yield pairs
        yield [(two, one) for one, two in pairs]


def has_rdma(pair: Pair) -> bool:
    source, target = pair
    tools = all(end.hello.ib_write_bw for end in pair)
    return tools and bool(lanes(source.host, target.host))


def rounds(items: Sequence[Item]) -> list[list[tuple[Item, Item]]]:
    """Each two meet once, and nobody is in two pairs of a round: the circle method."""
    ring: list[Item | None] = [*items, *([None] * (len(items) % 2))]
    made = []
    for _ in range(len(ring) - 1):
        half = len(ring) // 2
        facing = zip(ring[:half], reversed(ring[half:]), strict=True)
        made.append([(a, b) for a, b in facing if a is not None and b is not None])
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return made
