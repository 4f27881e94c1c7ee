"""Measured bandwidth against what the link should give; pure. Rates are in Gb/s."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from cluster.checks.roce import twin_findings
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import is_spark

GOOD_SHARE = 0.6
# one TCP socket pair of interfaces at 200 Gb/s: 96 on a DGX Spark, whose PCIe link carries 100;
# above it TCP measures the CPU
TCP_GBIT = 100.0
FELL_BACK_GBIT = 14.0  # a Spark's port that fell back gives 13 and reports 200
JUMBO = 9000
BUSY = 0.9


@dataclass(frozen=True)
class Measured:
    """One direction, by `tcp` or `rdma`; `busy` is the busier end's share of working CPUs."""

    source: str
    target: str
    by: str
    gbit: float
    busy: float = 0.0
    cables: int = 1


@dataclass(frozen=True)
class Expected:
    gbit: float
    source: str


@dataclass(frozen=True)
class Rate:
    """A measurement beside what was expected of it; None where there is nothing to go by."""

    measured: Measured
    expected: Expected | None

    @property
    def share(self) -> float | None:
        return self.measured.gbit / self.expected.gbit if self.expected else None


def rated(config: ClusterConfig, facts: Facts, measured: Sequence[Measured]) -> tuple[Rate, ...]:
    hosts = {host.node.name: host for host in facts.hosts}
    return tuple(Rate(each, expected_of(config, hosts, each, measured)) for each in measured)


def expected_of(
    config: ClusterConfig,
    hosts: Mapping[str, HostFacts],
    one: Measured,
    measured: Sequence[Measured],
) -> Expected | None:
    """nodes.toml, else the slower interface, else the other pairs."""
    if config.cluster.fast_gbit:
        return Expected(config.cluster.fast_gbit, "`fast_gbit` of nodes.toml")
    links = [hosts[name].fast_interface for name in (one.source, one.target)]
    speeds = [link.speed / 1000 for link in links if link and link.speed]
    if len(speeds) == 2:
        if one.by == "tcp" and min(speeds) > TCP_GBIT:
            return Expected(TCP_GBIT, f"what TCP carries of {min(speeds):g} Gb/s")
        return Expected(min(speeds) * one.cables, "the speed of the interfaces")
    same = [each.gbit for each in measured if each.by == one.by]
    if len(same) < 2:
        return None
    if len(same) == 2:
        return Expected(max(same), "the other direction")
    return Expected(median(same), "the median of all pairs")


def bandwidth_findings(facts: Facts, rates: Sequence[Rate]) -> Iterator[Finding]:
    hosts = {host.node.name: host for host in facts.hosts}
    for rate in rates:
        one = rate.measured
        where = f"{one.source} -> {one.target}"
        what = f"{one.by.upper()} {one.gbit:.3g} Gb/s"
        if rate.expected is None or rate.share is None:
            yield Finding("bandwidth", where, "pass", f"{what}; nothing to hold it against")
            continue
        what += f" of {rate.expected.gbit:.3g} expected ({rate.expected.source})"
        if rate.share >= GOOD_SHARE:
            yield Finding("bandwidth", where, "pass", what)
        else:
            causes = usual_causes(hosts[one.source], hosts[one.target], one, facts)
            shown = "; ".join(f"{place}. {cause}" for place, cause in enumerate(causes, 1))
            hint = f"likeliest first: {shown}"
            yield Finding("bandwidth", where, "warning", f"{what}: {rate.share:.0%}", hint)


def usual_causes(
    source: HostFacts, target: HostFacts, one: Measured, facts: Facts
) -> Iterator[str]:
    """In the order of their likelihood; those that the facts rule out are left out."""
    ends = (source, target)
    small = [
        host for host in ends if host.fast_interface and (host.fast_interface.mtu or 0) < JUMBO
    ]
    if small:
        yield f"MTU below {JUMBO} on {names(small)}"
    lacking = [host for host in ends if list(twin_findings(host, facts))]
    if lacking:
        yield f"only one of a port's twins is in use on {names(lacking)}: orchestrate cluster check"
    if one.gbit < FELL_BACK_GBIT and all(is_spark(host) for host in ends):
        yield "the port fell back to 13 Gb/s and still reports 200: pull the cable, plug it in"
    fast = source.fast_interface
    name = fast.name if fast else "DEVICE"
    yield f"cable, transceiver or switch port: on {source.node.name}: sudo ethtool {name}"
    yield f"a limit or other traffic on {name}: tc -s qdisc show dev {name}; ip -s link"
    if one.busy >= BUSY:
        yield f"the CPUs: {one.busy:.0%} busy meanwhile"


def names(hosts: Sequence[HostFacts]) -> str:
    return " and ".join(host.node.name for host in hosts)
