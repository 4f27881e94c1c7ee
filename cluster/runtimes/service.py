"""A long-running program on one host, and the mark that its processes carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.inventory.node import Node
from cluster.transport.command import Command


def mark_of(cluster: str, node: Node, service: str) -> str:
    """What every process of a service carries in its environment; its folder has the same name."""
    return f"{cluster}/{node.name}/{service}"


@dataclass(frozen=True)
class Service:
    """A long-running program on one host; Ray's head, its workers and vLLM are all alike."""

    cluster: str
    name: str
    node: Node
    command: Command
    files: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return mark_of(self.cluster, self.node, self.name)
