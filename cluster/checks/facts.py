"""Facts that a host could not read: each is a finding, and never the host's loss."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig


def fact_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        for name, why in host.unread.items():
            yield Finding(
                "facts",
                host.node.name,
                "failure",
                f"{name} cannot be read: {why}",
                f"may {host.user} read that there? what depends on it is not checked",
            )
        if not host.unread:
            yield Finding("facts", host.node.name, "pass", "everything we ask can be read")
