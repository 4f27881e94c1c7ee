"""Inventories and facts for tests: a whole, sane host, and what the test wants otherwise."""

from collections.abc import Mapping
from typing import Any

from cluster.facts.hosts import Facts, Gpu, HostFacts, Interface, Listener, RayNode, RunningService
from cluster.facts.survey import Survey
from cluster.inventory.config import ClusterConfig, checked
from cluster.inventory.node import Node
from orchestrator.capacity.architecture import read_architecture
from orchestrator.capacity.fit import Model
from orchestrator.models.sizes import spread_evenly

GIB = 1 << 30
VERSIONS = {"python": "3.12.3", "ray": "2.60.0", "vllm": "0.32.0", "torch": "2.13.0"}


def config_of(*nodes: Mapping[str, Any], **tables: Mapping[str, Any]) -> ClusterConfig:
    """A checked inventory; without nodes, hosts h1 (head) and h2."""
    raw = {"cluster": {"name": "test"}, **tables, "node": list(nodes) or [entry(1), entry(2)]}
    return checked(raw, "nodes.toml", {})


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """A [[node]] table; number 1 is the head."""
    role = "head" if number == 1 else "worker"
    plain = {"name": f"h{number}", "role": role, "fast_address": f"10.0.0.{number}"}
    return {**plain, **changes}


def interface(name: str, *addresses: str, **changes: Any) -> Interface:
    networks = tuple(f"{address}/24" for address in addresses if address)
    plain: dict[str, Any] = {"name": name, "addresses": addresses, "mtu": 9000, "speed": None}
    plain["networks"] = networks
    return Interface(**{**plain, **changes})


def gpu(index: int = 0, **changes: Any) -> Gpu:
    """One H200 with 140 GiB."""
    plain: dict[str, Any] = {
        "index": index,
        "name": "NVIDIA H200",
        "memory_total": 140 * GIB,
        "memory_free": 139 * GIB,
        "capability": "9.0",
        "driver": "580.95.05",
    }
    return Gpu(**{**plain, **changes})


def gb10() -> Gpu:
    """A DGX Spark's: the driver says N/A to every question about memory."""
    return gpu(name="NVIDIA GB10", memory_total=None, memory_free=None, capability="12.1")


def host_facts(node: Node, **changes: Any) -> HostFacts:
    """A host with one GPU on which nothing of ours runs."""
    plain: dict[str, Any] = {
        "node": node,
        "hostname": node.name,
        "home": "/home/ada",
        "user": "ada",
        "uid": 1000,
        "machine": "x86_64",
        "time": 1_795_000_000.0,
        "cores": 16,
        "memory": {"total": 128 * GIB, "available": 120 * GIB, "cached": GIB},
        "interfaces": (interface("lo", "127.0.0.1"), interface("eth1", node.fast)),
        "ports": (),
        "services": (),
        "venv": "/home/ada/vllm-env",
        "versions": VERSIONS,
        "disk_free": {"/home/ada": 500 * GIB, "/tmp": 500 * GIB, "/dev/shm": 60 * GIB},
        "ray_nodes": None,
        "cache": {
            "path": "/home/ada/.cache/huggingface",
            "hangs": False,
            "exists": True,
            "mount": "/",
            "source": "/dev/sda1",
            "type": "ext4",
            "free": 400 * GIB,
            "writable": True,
        },
        "gpus": (gpu(),),
        "driver_problem": "",
    }
    return HostFacts(**{**plain, **changes})


def survey(**changes: Any) -> Survey:
    """An idle host whose user lingers, without RDMA limits or a DNS server."""
    memory = {"free": 118, "page_cache": 2, "shared": 0, "processes": 4}
    plain: dict[str, Any] = {
        "gpu_users": (),
        "memory": {**{k: v * GIB for k, v in memory.items()}, "swap_total": 0, "swap_free": 0},
        "biggest": (),
        "nofile": (1024, 1048576),
        "memlock": (None, None),
        "logind": {
            "systemd": True,
            "tracked": True,
            "linger": True,
            "remove_ipc": True,
            "kill_processes": False,
        },
        "shm_total": 64 * GIB,
        "nccl": {},
        "dns": {},
        "names": {},
    }
    return Survey(**{**plain, **changes})


def spark(node: Node, twin: str, **changes: Any) -> HostFacts:
    """A DGX Spark: one cable shows as two interfaces; `twin` is the second one's address."""
    interfaces = (
        interface("lo", "127.0.0.1", mtu=65536),
        interface("enP7s7", node.address, mtu=1500, speed=10000),
        interface("enp1s0f0np0", node.fast, speed=200000, rdma=("rocep1s0f0",)),
        interface("enP2p1s0f0np0", twin, speed=200000, rdma=("roceP2p1s0f0",)),
    )
    memory = {"total": 119 * GIB, "available": 112 * GIB, "cached": 2 * GIB}
    plain: dict[str, Any] = {"machine": "aarch64", "cores": 20, "memory": memory}
    return host_facts(node, **{**plain, "interfaces": interfaces, "gpus": (gb10(),), **changes})


def eight_gpus(node: Node, **changes: Any) -> HostFacts:
    return host_facts(node, gpus=tuple(gpu(index) for index in range(8)), **changes)


def service(name: str, **changes: Any) -> RunningService:
    """A service that has run for ten minutes."""
    plain: dict[str, Any] = {
        "name": name,
        "alive": True,
        "pids": (101, 102),
        "age_s": 600.0,
        "words": (),
        "about": {},
        "exit": None,
        "last_lines": (),
    }
    return RunningService(**{**plain, **changes})


def ended(name: str, reason: str = "exited with code 1") -> RunningService:
    return service(name, alive=False, pids=(), exit={"code": 1, "reason": reason, "at": 0})


def model(gib: float, config: Mapping[str, Any]) -> Model:
    """A model of so many GiB, spread evenly over its layers."""
    arch = read_architecture(config)
    return Model("m/m", arch, spread_evenly(int(gib * GIB), arch), "a test")


def gcs(config: ClusterConfig) -> Listener:
    """Our own head, listening."""
    mark = f"{config.name}/{config.head.name}/ray-head"
    return Listener(
        port=config.ray.port, address=config.head.fast, uid=1000, pid=101, command="gcs", mark=mark
    )


def fresh(config: ClusterConfig) -> Facts:
    """Nothing runs anywhere."""
    return Facts(tuple(host_facts(node) for node in config.node), ())


def whole(config: ClusterConfig, *, lost: tuple[str, ...] = ()) -> Facts:
    """Ray runs on every host, and its head counts all alive but the `lost` ones."""
    nodes = tuple(RayNode(address=n.fast, alive=n.name not in lost) for n in config.node)
    return Facts(tuple(up(config, node, nodes) for node in config.node), ())


def up(config: ClusterConfig, node: Node, nodes: tuple[RayNode, ...]) -> HostFacts:
    if node.is_head:
        services = (service("ray-head"),)
        return host_facts(node, services=services, ports=(gcs(config),), ray_nodes=nodes)
    return host_facts(node, services=(service("ray-worker"),))
