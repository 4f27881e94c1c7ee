"""The nodes are those of nodes.toml, and always there."""

from dataclasses import dataclass

from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import Reporter
from cluster.transport.protocol import Transport


@dataclass(frozen=True)
class Static:
    name: str = "static"

    def acquire(
        self, transport: Transport, config: ClusterConfig, reporter: Reporter
    ) -> tuple[Node, ...]:
        return config.node

    def release(self, transport: Transport, config: ClusterConfig) -> None:
        """They are the user's own."""
