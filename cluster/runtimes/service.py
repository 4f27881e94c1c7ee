"""A long-running program on one host, what it touches, and the mark that its processes carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.inventory.node import Node
from cluster.transport.command import Command


def mark_of(cluster: str, node: Node, service: str) -> str:
    """What every process of a service carries in its environment; its folder has the same name."""
    return f"{node_mark(cluster, node)}/{service}"


def node_and_service(mark: str) -> tuple[str, str]:
    """(node, service) of a mark that a host has found; what has another form is shown as it is."""
    parts = mark.split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("?", mark)


def node_mark(cluster: str, node: Node) -> str:
    """What the marks of all services of a node begin with: it stands for all of them."""
    return f"{cluster}/{node.name}"


@dataclass(frozen=True)
class Needs:
    """What a service touches outside its own folder: all that a container has to be given."""

    paths: tuple[str, ...] = ()
    gpus: bool = False
    shared_memory: bool = False
    image: str = ""  # name@sha256:...; empty where the runtime is no container


@dataclass(frozen=True)
class Service:
    """Ray's head, its workers and vLLM are all alike. `defaults` is the part of the environment
    that every service of the kind gets: a plan shows it once.
    """

    cluster: str
    name: str
    node: Node
    command: Command
    files: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    needs: Needs = Needs()
    runtime: str = "process"
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return mark_of(self.cluster, self.node, self.name)

    def running(self, runtime: str, command: Command) -> "Service":
        return replace(self, runtime=runtime, command=command)
