"""RDMA bandwidth of two hosts by ib_write_bw, over all cables and twins that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

from pydantic import TypeAdapter

from cluster.bandwidth.findings import Measured
from cluster.checks.roce import cable
from cluster.errors import HostError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.transport.call import HostProgram, call
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport

FIRST_PORT = 18515  # ib_write_bw's own
SECONDS = 2
LIMIT_S = 30.0


@dataclass(frozen=True)
class ToolRun:
    """How ib_write_bw ended, and what it said."""

    code: int | None
    out: str


IB_WRITE_BW = HostProgram("cluster.host.bandwidth_rdma", TypeAdapter(ToolRun))


@dataclass(frozen=True)
class Lane:
    """Two addresses on one network with an active RoCE device behind each."""

    source: str
    target: str
    cable: str


def lanes(source: HostFacts, target: HostFacts) -> list[Lane]:
    """Of a Spark's port two: its twins are measured at once, since they share the cable."""
    found = []
    for here in source.interfaces:
        for there in target.interfaces:
            for one in here.networks if here.rdma_active else ():
                for two in there.networks if there.rdma_active else ():
                    if IPv4Interface(one).network == IPv4Interface(two).network:
                        ends = (one.partition("/")[0], two.partition("/")[0])
                        found.append(Lane(*ends, cable(here)))
    return found


def measure_rdma(transport: Transport, source: HostFacts, target: HostFacts) -> Measured:
    """The sum over all lanes. Raises HostError with what ib_write_bw said."""
    ends = [
        (host, lane, FIRST_PORT + place)
        for place, lane in enumerate(lanes(source, target))
        for host in (target, source)
    ]

    def run(end: tuple[HostFacts, Lane, int]) -> float:
        host, lane, port = end
        is_client = host is source
        request: dict[str, Any] = {
            "address": lane.source if is_client else lane.target,
            "peer": lane.target if is_client else "",
            "port": port,
            "seconds": SECONDS,
        }
        answer = call(transport, host.node, IB_WRITE_BW, request, timeout_s=LIMIT_S)
        rate = average_gbit(answer.out) if answer.code == 0 else None
        if rate is None:
            raise rdma_error(host, answer.out)
        return rate if is_client else 0.0

    found = [outcome for _, outcome in gather(ends, run)]
    errors = [each for each in found if isinstance(each, OrchestrateError)]
    if errors:
        raise errors[-1]
    rates: Sequence[float] = [each for each in found if isinstance(each, float)]
    cables = len({lane.cable for _, lane, _ in ends})
    return Measured(source.node.name, target.node.name, "rdma", sum(rates), cables=cables)


def rdma_error(host: HostFacts, out: str) -> HostError:
    lines = [line for line in out.splitlines() if line.strip()]
    return HostError(
        host.node.name,
        "ib_write_bw failed",
        "ulimit -l must be unlimited; rdma link shows the devices",
        log="\n".join(lines[-4:]),
    )


def average_gbit(out: str) -> float | None:
    """The column `BW average[Gb/sec]` of the table; None where there is no such row."""
    for line in reversed(out.splitlines()):
        parts = line.split()
        if len(parts) == 5 and all(part.replace(".", "", 1).isdigit() for part in parts):
            return float(parts[3])
    return None
