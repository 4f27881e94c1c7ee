"""A service is a process of the host, out of a virtual environment."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.facts.hosts import HostFacts
from cluster.finding import Finding
from cluster.inventory.node import Node
from cluster.runtimes.service import Needs, Service
from cluster.transport.command import Command


@dataclass(frozen=True)
class Process:
    """Supervised by us and found in /proc by its mark: there is nothing to wrap, list or end."""

    name: str = "process"

    def executable(self, host: HostFacts, name: str) -> str:
        return f"{host.venv}/bin/{name}"

    def service(self, service: Service) -> Command:
        return service.command

    def tool(self, host: HostFacts, needs: Needs, command: Command) -> Command:
        return command

    def listing(self, cluster: str, node: Node) -> Command | None:
        return None

    def end(self, identity: str) -> Command | None:
        return None

    def checks(self, host: HostFacts, needs: Needs) -> Iterator[Finding]:
        yield from ()
