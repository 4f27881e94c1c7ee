"""`--hardware KINDxN`: facts of hosts that need not exist, from their hardware profile; pure."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from math import ceil
from typing import Any

from cluster.errors import Problem, UsageError
from cluster.facts.hosts import Cache, Gpu, HostFacts, Memory
from cluster.inventory.node import Node
from cluster.inventory.problems import nearest
from cluster.units import GIB
from orchestrator.capacity.alternatives import MOST_GPUS, ScaleUp
from orchestrator.capacity.gpu_memory import NOT_SHOWN
from orchestrator.recipes.hardware import Hardware

WORDS = re.compile(r"([a-z0-9-]+?)(?:x(\d{1,3}))?")
HOST_MEMORY = 1024 * GIB  # of a host with GPUs; nothing here depends on it
NOT_ASKED: dict[str, Any] = {
    **dict.fromkeys(("home", "user", "machine", "venv", "driver_problem"), ""),
    **dict.fromkeys(("uid", "time", "cores"), 0),
    **dict.fromkeys(("interfaces", "ports", "services"), ()),
    "versions": {},
    "disk_free": {},
    "ray_nodes": None,
    "cache": Cache(path="", hangs=False, exists=False),
}
FIRST_ADDRESS = IPv4Address("10.0.0.1")


def more_of(words: str, known: Mapping[str, Hardware]) -> tuple[ScaleUp, ...]:
    """The same kind with two, four, eight ... GPUs, as many as are more than now."""
    name, count = name_and_count(words)
    sizes = [2**n for n in range(1, 7) if count < 2**n <= MOST_GPUS]
    return tuple(
        ScaleUp(f"{n} GPUs", (f"--hardware {name}x{n}",), hosts_of(f"{name}x{n}", known))
        for n in sizes
    )


def name_and_count(words: str) -> tuple[str, int]:
    parts = WORDS.fullmatch(words.lower())
    return (parts[1], int(parts[2] or 1)) if parts else (words, 1)


def hosts_of(words: str, known: Mapping[str, Hardware]) -> tuple[HostFacts, ...]:
    """As few hosts as hold N GPUs. Raises UsageError with the nearest kinds."""
    kinds = {name: kind for name, kind in known.items() if kind.memory_gib}
    name, count = name_and_count(words)
    if name not in kinds or not count:
        hint = nearest(name, kinds) + " and how many, as in gb10x2"
        raise UsageError(Problem(f"no hardware `{words}`", "--hardware", hint))
    kind = kinds[name]
    return tuple(
        host_of_kind(
            name, kind, number, min(kind.gpus_per_host, count - number * kind.gpus_per_host)
        )
        for number in range(ceil(count / kind.gpus_per_host))
    )


def host_of_kind(name: str, kind: Hardware, number: int, gpus: int) -> HostFacts:
    size = int((kind.memory_gib or 0) * GIB)
    node = Node(
        name=f"{name}-{number + 1}",
        role="worker" if number else "head",
        fast_address=FIRST_ADDRESS + number,
    )
    own = size if kind.unified else HOST_MEMORY
    return HostFacts(
        node=node,
        hostname=node.name,
        memory=Memory(total=own, available=own),
        gpus=tuple(gpu_of_kind(name, kind, index, size) for index in range(gpus)),
        **NOT_ASKED,
    )


def gpu_of_kind(name: str, kind: Hardware, index: int, size: int) -> Gpu:
    shown = None if kind.unified else size + NOT_SHOWN
    return Gpu(
        index=index,
        name=f"NVIDIA {kind.gpu or name.partition('-')[0].upper()}",
        memory_total=shown,
        memory_free=shown,
        capability=kind.capability,
        driver="",
    )
