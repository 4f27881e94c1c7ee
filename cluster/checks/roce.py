"""What the facts say of the RoCE devices behind the fast link; pure.

A port of a DGX Spark shows as two interfaces, its twins, as enp1s0f0np0 and enP2p1s0f0np0. Each has
a PCIe link of its own for half of the port's 200 Gb/s, so both need an address, on two networks.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Interface, IPv4Network

from cluster.facts.hosts import Facts, HostFacts, Interface
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import network_environment


def roce_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    with_roce = [host.node.name for host in facts.hosts if uses_roce(host)]
    for host in facts.hosts:
        found = [*device_findings(host), *twin_findings(host, facts), *hca_findings(host)]
        if with_roce and not uses_roce(host):
            found += [lacking(host, with_roce)]
        if uses_roce(host) and not found:
            devices = network_environment(host)["NCCL_IB_HCA"]
            found = [Finding("roce", host.node.name, "pass", f"NCCL uses {devices}")]
        yield from found


def uses_roce(host: HostFacts) -> bool:
    return bool(host.fast_interface and host.fast_interface.rdma_active)


def lacking(host: HostFacts, others: Sequence[str]) -> Finding:
    return Finding(
        "roce",
        host.node.name,
        "warning",
        f"no active RoCE device behind {host.node.fast}, unlike on {', '.join(others)}: "
        "NCCL will fall back to TCP",
        "is the driver loaded and the port up? ls /sys/class/infiniband; rdma link",
    )


def device_findings(host: HostFacts) -> Iterator[Finding]:
    for link in host.interfaces:
        if link.addresses and link.rdma_down:
            yield Finding(
                "roce",
                host.node.name,
                "warning",
                f"{', '.join(link.rdma_down)} behind {link.name} is not ACTIVE",
                f"is the cable in? rdma link; sudo ip link set dev {link.name} up",
            )


def cable(link: Interface) -> str:
    """The same for the twins of one port: the name without its PCIe domain."""
    return re.sub(r"^enP\d+p", "enp", link.name)


def ports(host: HostFacts) -> list[list[Interface]]:
    """The twins of each port that has an active device and an address."""
    groups: dict[str, list[Interface]] = defaultdict(list)
    for link in host.interfaces:
        if link.rdma_active:
            groups[cable(link)].append(link)
    return [
        twins for twins in groups.values() if len(twins) > 1 and any(t.addresses for t in twins)
    ]


def twin_findings(host: HostFacts, facts: Facts) -> Iterator[Finding]:
    for twins in ports(host):
        addressed = [link for link in twins if link.addresses]
        for link in twins:
            if not link.addresses:
                yield unaddressed(host, link, addressed[0], facts)
        networks = [network for link in addressed for network in networks_of(link)]
        if len(set(networks)) < len(addressed):
            yield Finding(
                "roce",
                host.node.name,
                "warning",
                f"{' and '.join(link.name for link in addressed)} are on the same network "
                f"{networks[0]}: all traffic takes one of them, at half the speed",
                f"give {addressed[-1].name} an address on a network of its own",
            )


def networks_of(link: Interface) -> list[IPv4Network]:
    return [IPv4Interface(each).network for each in link.networks]


def unaddressed(host: HostFacts, link: Interface, twin: Interface, facts: Facts) -> Finding:
    address = address_for(host, link, twin, facts)
    return Finding(
        "roce",
        host.node.name,
        "warning",
        f"{', '.join(link.rdma_active)} is ACTIVE, but its interface {link.name}, the twin of "
        f"{twin.name}, has no address: half of the port's 200 Gb/s is not used",
        f"sudo ip addr add {address} dev {link.name}; to keep it, in /etc/netplan: ethernets: "
        f"{{{link.name}: {{addresses: [{address}], mtu: {link.mtu or 9000}}}}}",
    )


def address_for(host: HostFacts, link: Interface, twin: Interface, facts: Facts) -> str:
    """On the network of the other hosts' same twin, else on the one after this twin's own."""
    own = IPv4Interface(twin.networks[0] if twin.networks else f"{host.node.fast}/24")
    others = (
        network
        for other in facts.hosts
        for each in other.interfaces
        if other is not host and each.name == link.name
        for network in networks_of(each)
        if network.prefixlen == own.network.prefixlen and network != own.network
    )
    after = (int(own.network.network_address) + own.network.num_addresses) % (1 << 32)
    network = next(others, IPv4Network((after, own.network.prefixlen)))
    offset = int(own.ip) - int(own.network.network_address)
    return f"{network.network_address + offset}/{network.prefixlen}"


def hca_findings(host: HostFacts) -> Iterator[Finding]:
    """`env` of nodes.toml goes over what is computed, and may leave a twin out."""
    computed = network_environment(host).get("NCCL_IB_HCA", "")
    chosen = host.node.env.get("NCCL_IB_HCA", computed)
    missing = set(computed.split(",")) - {name.partition(":")[0] for name in chosen.split(",")}
    if missing:
        yield Finding(
            "roce",
            host.node.name,
            "warning",
            f"env.NCCL_IB_HCA leaves out {', '.join(sorted(missing))}",
            "leave NCCL_IB_HCA out of nodes.toml: it is computed for each host",
        )
