"""Clocks that disagree; a slow connection is not taken for a wrong clock."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig

WARN_S = 1.0  # no NTP: lines of two hosts' logs cannot be put in order
FAIL_S = 300.0  # where Kerberos (NFS with sec=krb5) and MUNGE (Slurm) refuse a credential


def clock_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Each clock against the median one.

    A host read its clock somewhen between our question and its answer, so its offset to our clock
    is an interval; only what lies between two intervals is certainly skew.
    """
    hosts = [host for host in facts.hosts if host.answered]
    if len(hosts) < 2:
        return
    by_offset = sorted(hosts, key=lambda host: sum(offset(host)))
    median = by_offset[(len(hosts) - 1) // 2]
    for host in hosts:
        yield against(host, median)


def offset(host: HostFacts) -> tuple[float, float]:
    """The least and the most that the host's clock can be ahead of ours, in seconds."""
    return host.time - host.answered, host.time - host.asked


def against(host: HostFacts, median: HostFacts) -> Finding:
    (low, high), (other_low, other_high) = offset(host), offset(median)
    ahead, behind = low - other_high, other_low - high
    skew = max(ahead, behind)
    if host is median:
        return Finding("clock", host.node.name, "pass", "the others are compared with it")
    if skew <= WARN_S:
        bound = max(high - other_low, other_high - low)
        what = f"no more than {bound:.1f} s from {median.node.name}'s"
        return Finding("clock", host.node.name, "pass", what)
    return Finding(
        "clock",
        host.node.name,
        "failure" if skew > FAIL_S else "warning",
        f"the clock is {skew:.1f} s {'ahead of' if ahead > 0 else 'behind'} {median.node.name}'s",
        "sudo timedatectl set-ntp true, or whatever keeps the time there",
    )
