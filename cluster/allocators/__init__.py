"""Where nodes come from: one line of ALLOCATORS for each way."""

from collections.abc import Mapping
from typing import Protocol

from cluster.allocators.static import Static
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import Reporter
from cluster.transport.protocol import Transport


class Allocator(Protocol):
    @property
    def name(self) -> str: ...

    def acquire(
        self, transport: Transport, config: ClusterConfig, reporter: Reporter
    ) -> tuple[Node, ...]:
        """The nodes of the cluster; waits for them where they must be waited for."""

    def release(self, transport: Transport, config: ClusterConfig) -> None:
        """Give them back; called when nothing of ours runs on them any more."""


ALLOCATORS: Mapping[str, Allocator] = {each.name: each for each in (Static(),)}


def allocator_of(config: ClusterConfig) -> Allocator:
    """The one of this cluster; there is one so far."""
    return ALLOCATORS["static"]
