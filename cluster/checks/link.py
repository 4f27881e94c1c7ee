"""What the facts say of the fast link's interface on each host; pure."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts, Interface
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import is_spark

JUMBO = 9000
SPARK_MBIT = 100_000  # what one of the two PCIe links behind a port carries; it reports 200000
OVERRIDES = ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME", "UCX_NET_DEVICES")


def link_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Interface, state, speed and MTU, each against the other hosts; not of loopback."""
    links = [
        (host, host.fast_interface)
        for host in facts.hosts
        if host.fast_interface and host.fast_interface.name != "lo"
    ]
    speed = max((link.speed or 0 for _, link in links), default=0)
    mtu = max((link.mtu or 0 for _, link in links), default=0)
    for host, link in links:
        yield carrier_finding(host, link)
        yield speed_finding(host, link, speed)
        yield mtu_finding(host, link, mtu)
        yield from override_findings(host, link)


def carrier_finding(host: HostFacts, link: Interface) -> Finding:
    if not link.up:
        return Finding(
            "link",
            host.node.name,
            "failure",
            f"{link.name} ({host.node.fast}) is down",
            f"is the cable in at both ends? sudo ip link set dev {link.name} up",
        )
    return Finding("link", host.node.name, "pass", f"{host.node.fast} is on {link.name}, up")


def speed_finding(host: HostFacts, link: Interface, best: int) -> Finding:
    if link.speed is None:
        return Finding("speed", host.node.name, "pass", f"the driver of {link.name} tells none")
    what = f"{link.name} runs at {link.speed / 1000:g} Gb/s"
    hint = f"cable, transceiver or switch port? sudo ethtool {link.name}"
    if is_spark(host) and link.speed < SPARK_MBIT:
        what += ", a DGX Spark's port at 200"
    elif link.speed < best:
        what += f", another host's at {best / 1000:g}"
    else:
        return Finding("speed", host.node.name, "pass", what)
    return Finding("speed", host.node.name, "warning", what, hint)


def mtu_finding(host: HostFacts, link: Interface, largest: int) -> Finding:
    what, hint = f"the MTU of {link.name} is {link.mtu}", ""
    if (link.mtu or 0) < largest:
        what += f", another host's {largest}: large packets to it are lost or cut"
        hint = f"sudo ip link set dev {link.name} mtu {largest}"
    elif link.rdma_active and (link.mtu or 0) < JUMBO:
        what += f": RoCE reaches about half of what it does with {JUMBO}"
        hint = f"on all hosts: sudo ip link set dev {link.name} mtu {JUMBO}; 9216 on a switch"
    return Finding("mtu", host.node.name, "warning" if hint else "pass", what, hint)


def override_findings(host: HostFacts, link: Interface) -> Iterator[Finding]:
    """What `env` of nodes.toml says of the network against what the host is like."""
    for name in OVERRIDES:
        value = host.node.env.get(name)
        if value and value != link.name:
            yield Finding(
                "link",
                host.node.name,
                "warning",
                f"env.{name} is {value}, but {host.node.fast} is on {link.name}",
                f"leave {name} out of nodes.toml: it is computed for each host",
            )
    if "NCCL_IB_GID_INDEX" in host.node.env:
        yield Finding(
            "link",
            host.node.name,
            "warning",
            "env.NCCL_IB_GID_INDEX is set: the index drifts after a reboot, and the wrong one "
            "hangs after the weights are loaded",
            "leave it out of nodes.toml: NCCL finds the right one",
        )
