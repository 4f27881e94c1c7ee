"""What the hosts are like right now; an unreachable host is a value too."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field

from cluster.errors import OrchestrateError, Problem
from cluster.facts.survey import Fact, Survey
from cluster.inventory.node import Node

HEAD, WORKER = "ray-head", "ray-worker"
RAY_SERVICES = (HEAD, WORKER)


def on_network(text: str) -> str:
    """An address with its prefix. Raises ValueError for anything else."""
    IPv4Interface(text)
    return text


OnNetwork = Annotated[str, AfterValidator(on_network)]


class Interface(Fact):
    """Speed in Mbit/s. One without an address is here only if it stands before an RDMA device."""

    name: str
    addresses: tuple[str, ...]
    mtu: int | None
    speed: int | None
    up: bool = True
    networks: tuple[OnNetwork, ...] = ()  # the addresses again, as 192.168.100.10/24
    rdma: tuple[str, ...] = ()
    rdma_down: tuple[str, ...] = ()  # those of them without an ACTIVE port

    @property
    def rdma_active(self) -> tuple[str, ...]:
        return tuple(device for device in self.rdma if device not in self.rdma_down)


class Listener(Fact):
    """A listening TCP socket; pid and command only where the SSH user may see them."""

    port: int
    address: str
    uid: int
    pid: int | None = None
    command: str = ""
    mark: str | None = None


class Gpu(Fact):
    """Memory in bytes; None on unified memory, where the driver says N/A."""

    index: int
    name: str
    memory_total: int | None
    memory_free: int | None
    capability: str
    driver: str
    uuid: str = ""


class RunningService(Fact):
    """A service of ours: running, ended, or processes that lost their folder."""

    name: str
    alive: bool
    pids: tuple[int, ...]
    stopped: tuple[str, ...] = ()  # names of those that a signal has stopped
    age_s: float | None
    words: tuple[str, ...]
    env: Mapping[str, str] = {}  # values of secret variables are stars
    labels: Mapping[str, Any] = Field(validation_alias=AliasChoices("about", "labels"))
    exit: Mapping[str, Any] | None
    last_lines: tuple[str, ...]
    damaged: tuple[str, ...] = ()  # records of ours that hold something else by now

    @property
    def stands_still(self) -> str:
        """Which of its processes a signal has stopped, for people; empty where none is."""
        names = ", ".join(dict.fromkeys(self.stopped))
        many = len(self.stopped)
        return f"{many} of {len(self.pids)} processes stopped by a signal: {names}" if many else ""


class Cache(Fact):
    """The model cache: where it is mounted from, and whether it answers."""

    path: str
    hangs: bool
    exists: bool
    mount: str = ""
    source: str = ""
    type: str = ""
    free: int | None = None
    writable: bool = False


class Memory(Fact):
    total: int = Field(gt=0)
    available: int
    cached: int = 0


class RayNode(Fact):
    address: str
    alive: bool


class HostFacts(Fact):
    """Everything that one probe of one host says; sizes in bytes."""

    node: Node
    hostname: str
    home: str
    user: str
    uid: int
    machine: str
    kernel: str = ""
    time: float
    cores: int
    memory: Memory
    interfaces: tuple[Interface, ...]
    ports: tuple[Listener, ...]
    services: tuple[RunningService, ...]
    strays: Mapping[str, tuple[int, ...]] = {}  # pids by mark: ours, under another node's name
    logs: tuple[str, ...] = ()  # services that left one, stopped ones too
    folders: tuple[str, ...] = ()  # Ray's in /tmp, of this cluster, ours to remove
    venv: str
    versions: Mapping[str, str]
    disk_free: Mapping[str, int | None]
    ray_nodes: tuple[RayNode, ...] | None
    cache: Cache
    gpus: tuple[Gpu, ...]
    driver_problem: str
    driver_note: str = ""  # what nvidia-smi says besides, and is no reason to stop
    unread: Mapping[str, str] = {}  # facts that could not be read, and why; their values are empty
    survey: Survey | None = None  # only where it was asked for
    asked: float = 0  # when we sent the probe and had its answer, by our own clock
    answered: float = 0

    @property
    def fast_interface(self) -> Interface | None:
        if self.node.fast.startswith("127."):
            return next((each for each in self.interfaces if each.name == "lo"), None)
        return next((each for each in self.interfaces if self.node.fast in each.addresses), None)

    @property
    def gpu_count(self) -> int:
        """The inventory's word, else the driver's."""
        return len(self.gpus) if self.node.gpus is None else self.node.gpus

    def service(self, name: str) -> RunningService | None:
        return next((each for each in self.services if each.name == name), None)

    def listener(self, port: int) -> Listener | None:
        """Who holds a port of the fast address, of loopback or of all addresses."""
        ours = ("0.0.0.0", "::", "127.0.0.1", "::1", self.node.fast)
        return next((e for e in self.ports if e.port == port and e.address in ours), None)


@dataclass(frozen=True)
class Unreached:
    """A host that did not answer, and why."""

    node: Node
    error: OrchestrateError


@dataclass(frozen=True)
class Facts:
    """The facts of all hosts, in the inventory's order."""

    hosts: tuple[HostFacts, ...]
    unreached: tuple[Unreached, ...]

    @property
    def lost(self) -> tuple[Problem, ...]:
        """Why each host that did not answer did not."""
        return tuple(problem for each in self.unreached for problem in each.error.problems)

    def head(self) -> HostFacts | None:
        return next((host for host in self.hosts if host.node.is_head), None)

    def ray_alive(self) -> frozenset[str]:
        """Addresses that Ray's head counts as alive; empty when it does not answer."""
        head = self.head()
        nodes = head.ray_nodes if head and head.ray_nodes else ()
        return frozenset(node.address for node in nodes if node.alive)
