"""How a service lives on a host: one line of RUNTIMES for each way."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from cluster.facts.hosts import HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.runtimes.process import Process
from cluster.runtimes.service import Needs, Service
from cluster.transport.command import Command


class Runtime(Protocol):
    """Pure: it turns argv into argv when a plan is made, so that a dry run shows what will run and
    whoever executes the plan learns nothing. Nothing here runs.
    """

    @property
    def name(self) -> str: ...

    def executable(self, host: HostFacts, name: str) -> str:
        """Where a program of the engine's environment lies: `python`, `vllm`."""

    def service(self, service: Service) -> Command:
        """What the supervisor runs in the foreground; its end is the service's end."""

    def tool(self, host: HostFacts, needs: Needs, command: Command) -> Command:
        """A short program in the same environment, such as vLLM's argument parser."""

    def listing(self, cluster: str, node: Node) -> Command | None:
        """Prints `mark id state`, a line for what /proc does not show; None where it shows all."""

    def end(self, identity: str) -> Command | None:
        """Ends what `listing` named."""

    def checks(self, host: HostFacts, needs: Needs) -> Iterator[Finding]:
        """What keeps services from living there."""


RUNTIMES: Mapping[str, Runtime] = {each.name: each for each in (Process(),)}


def runtime_of(config: ClusterConfig) -> Runtime:
    """The one of this cluster; there is one so far."""
    return RUNTIMES["process"]


def started_in(runtime: Runtime, service: Service) -> Service:
    """The service as the plan holds it: with the command that the supervisor runs."""
    return service.running(runtime.name, runtime.service(service))


def python_of(runtime: Runtime, host: HostFacts) -> tuple[str, ...]:
    """The words before a program of ours that needs the engine's packages."""
    return runtime.tool(host, Needs(), Command((runtime.executable(host, "python"),))).argv
