"""Which hosts let us in, and whether each has the fast address of the inventory."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig


def ssh_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """The reason and the hint of a host that does not let us in are those of SSH itself."""
    for lost in facts.unreached:
        for problem in lost.error.problems:
            yield Finding("ssh", lost.node.name, "failure", problem.what, problem.hint)
    for host in facts.hosts:
        what = f"{host.user}@{host.hostname}"
        yield Finding("ssh", host.node.name, "pass", what)


def address_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield fast_address(host)


def fast_address(host: HostFacts) -> Finding:
    fast = host.fast_interface
    if fast is not None:
        return Finding("address", host.node.name, "pass", f"{host.node.fast} on {fast.name}")
    known = ", ".join(f"{each.name} {' '.join(each.addresses)}" for each in host.interfaces)
    return Finding(
        "address",
        host.node.name,
        "failure",
        f"no interface has the fast address {host.node.fast} (there are: {known})",
        "is the cable in and the address set? or correct `fast_address` in nodes.toml",
    )


def stray_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """What runs under another node's name would go on beside what is started now."""
    for host in facts.hosts:
        for mark in host.strays:
            yield Finding(
                "stray",
                host.node.name,
                "failure",
                f"{mark} runs here, and this host is now called {host.node.name}",
                "orchestrate teardown ends it; or give the node its former name in nodes.toml",
            )
        if not host.strays:
            yield Finding("stray", host.node.name, "pass", "nothing runs under another name")
