"""Named states of a server, from its service and one look at it; pure."""

from dataclasses import dataclass
from enum import StrEnum

from cluster.facts.hosts import RunningService


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"  # does not listen yet
    READY = "ready"
    FAILING = "failing"  # listens, and gives no tokens
    STOPPING = "stopping"  # its supervisor has gone, processes are left
    FAILED = "failed"  # ended by itself


@dataclass(frozen=True)
class Sighting:
    """What one look saw. `tokens` is how many vLLM's counters rose by while it was looked at: real
    traffic is proof enough, so that a busy server is asked for nothing.
    """

    listens: bool
    answered_s: float | None = None
    tokens: int = 0
    problem: str = ""


def state_of(service: RunningService | None, seen: Sighting | None = None) -> State:
    """Of a service that can be asked; without a sighting, what the host alone says."""
    if service is None:
        return State.STOPPED
    if not service.alive:
        return State.FAILED if service.exit or not service.pids else State.STOPPING
    if seen is None or not seen.listens:
        return State.STARTING
    if seen.answered_s is not None or seen.tokens:
        return State.READY
    return State.FAILING
