"""What a fault is: how it is made and undone, and what each verb must make of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from tests.hosts.lab import Lab

State = Literal["nothing", "Ray", "a model"]
VERBS: dict[str, tuple[str, ...]] = {
    "cluster start": ("cluster", "start"),
    "serve": ("serve", "--model", "tiny"),
    "status": ("status",),
    "teardown": ("teardown", "--yes"),
}
BEFORE: tuple[State, ...] = ("nothing", "Ray", "a model", "a model")
SERVED: tuple[State, ...] = ("a model",) * 4  # for what can only happen to something that runs


@dataclass(frozen=True)
class Fault:
    """`codes` are the exit codes of the four verbs, `hosts` who is named wherever one is not 0,
    and `says` what is said there too. `before` is what runs when the fault comes.

    Where `refused`, a verb that fails changes nothing. `rows` is what nodes.toml calls the hosts.
    """

    name: str
    make: Callable[[Lab], AbstractContextManager[None]]
    hosts: tuple[str, ...]
    codes: str
    says: str = ""
    before: tuple[State, ...] = BEFORE
    refused: bool = False
    rows: tuple[str, ...] = ("h1", "h2")

    def code(self, verb: str) -> int:
        return int(self.codes.split()[list(VERBS).index(verb)])

    def state_before(self, verb: str) -> State:
        return self.before[list(VERBS).index(verb)]
