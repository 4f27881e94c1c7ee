"""The two networks, and the switch between the hosts: bridges in a network namespace of its own.

The same namespace is the control station. Does not know what a host is beyond its number and pid.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.testbed import kernel
from tests.testbed.programs import run

NetworkName = Literal["management", "fast"]

CONTROL_NUMBER = 254
# Without netem only a token bucket is left. It must hold the largest fast-network packet.
BUCKET = ("burst", "64kb", "latency", "100ms")


@dataclass(frozen=True)
class Network:
    """One of the networks that every host is on."""

    prefix: str
    interface: str
    mtu: int
    mac_prefix: str

    def address(self, number: int) -> str:
        """Give the IP address of host `number`."""
        return f"{self.prefix}.{number}"

    def mac(self, number: int) -> str:
        """Give the hardware address of host `number`.

        It is fixed, as on real hosts: after a power cycle the peers' ARP tables still hold.
        """
        return f"{self.mac_prefix}:{number:02x}"


NETWORKS: dict[NetworkName, Network] = {
    "management": Network("10.77.0", "mgmt0", 1500, "02:77:00:00:00"),
    "fast": Network("10.77.128", "fast0", 9000, "02:77:80:00:00"),
}


def carries(pid: int) -> bool:
    """Tell whether both cables of a host carry.

    What is sent to a host sooner is lost, and ARP and TCP try again only after 1 s.
    """
    folder = Path(f"/proc/{pid}/root/sys/class/net")
    states = [folder / network.interface / "operstate" for network in NETWORKS.values()]
    return all(state.exists() and state.read_text() == "up\n" for state in states)


class Switch:
    """Bridges and ports; a port is named after its host and its network: h1-fast."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.namespace = Path("/run/netns", name)

    def create(self) -> None:
        """Make the namespace, one bridge for each network, and the control station's addresses."""
        run(["ip", "netns", "add", self.name])
        lines = ["link set lo up"]
        for name, network in NETWORKS.items():
            address, mac = network.address(CONTROL_NUMBER), network.mac(CONTROL_NUMBER)
            lines += [
                # Without a fixed address a bridge changes it with every port that comes or goes.
                f"link add {name} address {mac} type bridge",
                f"link set {name} mtu {network.mtu} up",
                f"addr add {address}/24 dev {name}",
            ]
        self._batch(lines)

    def exists(self) -> bool:
        """Tell whether the namespace is there."""
        return self.namespace.exists()

    def remove(self) -> None:
        """Delete the namespace and with it the bridges and all ports."""
        run(["ip", "netns", "delete", self.name])

    def words(self, command: Sequence[str]) -> list[str]:
        """Prefix a command so that it runs on the control station.

        Not by `ip netns exec`, which remounts /sys and so hides the cgroups.
        """
        return ["nsenter", f"--net={self.namespace}", "--", *command]

    def plug(self, host: str, number: int, pid: int) -> None:
        """Connect the network namespace of process `pid` to both networks."""
        self.unplug(host)
        switch, inside = [], ["link set lo up"]
        for name, network in NETWORKS.items():
            port, interface, mtu = f"{host}-{name[:4]}", network.interface, network.mtu
            switch += [
                f"link add {port} mtu {mtu} type veth peer name {interface} mtu {mtu}"
                f" address {network.mac(number)} netns {pid}",
                f"link set {port} master {name} up",
            ]
            inside += [
                f"link set {interface} up",
                f"addr add {network.address(number)}/24 dev {interface}",
            ]
        # Nothing is behind this route, but programs ask for it to learn their own address.
        inside += [f"route add default via {NETWORKS['management'].address(CONTROL_NUMBER)}"]
        self._batch(switch)
        run(["nsenter", "-t", str(pid), "-n", "ip", "-batch", "-"], input="\n".join(inside) + "\n")

    def unplug(self, host: str) -> None:
        """Delete the host's cables; the peers see silence."""
        lines = [f"link delete {host}-{name[:4]}" for name in NETWORKS]
        # Forced, and unchecked: a killed host's cables go by themselves, a little later.
        words = ["ip", "-n", self.name, "-force", "-batch", "-"]
        run(words, input="\n".join(lines) + "\n", check=False)

    def set_port(self, host: str, network: NetworkName, state: Literal["up", "down"]) -> None:
        """Switch a host's port on or off."""
        run(["ip", "-n", self.name, "link", "set", f"{host}-{network[:4]}", state])

    def shape(self, host: str, network: NetworkName, rate: str) -> list[str]:
        """Slow what the host receives; return the command that slows what it sends."""
        port, interface = f"{host}-{network[:4]}", NETWORKS[network].interface
        bucket = ["root", "tbf", "rate", rate, *BUCKET]
        run(["tc", "-n", self.name, "qdisc", "replace", "dev", port, *bucket])
        return ["tc", "qdisc", "replace", "dev", interface, *bucket]

    def unshape(self, host: str, network: NetworkName) -> list[str]:
        """Undo `shape`; return the command that undoes it inside the host."""
        port, interface = f"{host}-{network[:4]}", NETWORKS[network].interface
        run(["tc", "-n", self.name, "qdisc", "delete", "dev", port, "root"], check=False)
        return ["tc", "qdisc", "delete", "dev", interface, "root"]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move the calling thread, and threads that it starts, onto the control station."""
        with Path("/proc/thread-self/ns/net").open() as before, self.namespace.open() as station:
            kernel.enter_namespace(station.fileno(), kernel.NEW_NETWORK)
            try:
                yield
            finally:
                kernel.enter_namespace(before.fileno(), kernel.NEW_NETWORK)

    def _batch(self, lines: Sequence[str]) -> None:
        run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(lines) + "\n")
