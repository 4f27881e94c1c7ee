"""The chain of hosts while a model travels along it: from events to orders; pure.

Each host passes on to its successor what that one lacks. A host that fails is taken out and its
neighbours are joined; what arrives damaged comes again, once, from a predecessor that is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.models.sync.events import Error, Event, Forgot, Gone, Hashed, Lost, Placed
from orchestrator.models.sync.plan import Content, Receiver

Order = tuple[str, dict[str, Any]]  # host and what it is told


@dataclass
class Chain:
    """The state of one copy. `failed` and `damaged` hold what went wrong, for the report."""

    source: str
    receivers: Mapping[str, Receiver]
    contents: Sequence[Content]
    failed: dict[str, str] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._order = [self.source, *self.receivers]
        self._linked: dict[str, str] = {}  # to whom each host sends now
        self._wanted = [content.hash for content in self.contents]
        self._values: dict[str, dict[int, str]] = {name: {} for name in self._order}
        self._asked: set[int] = set()  # the source was told to hash these
        self._again: set[tuple[str, int]] = set()
        self._placing: set[str] = set()
        self._second_chance: set[str] = set()
        self._blamed: set[str] = set()  # only a neighbour says that they failed

    @property
    def finished(self) -> bool:
        return bool(self.damaged) or all(
            name in self.placed or name in self.failed for name in self.receivers
        )

    def begin(self) -> list[Order]:
        """Link the hosts; let the source hash what only it can check."""
        unknown = [index for index, wanted in enumerate(self._wanted) if not wanted]
        return [*self._ask_source(unknown), *self._join(), *self._settle()]

    def on(self, host: str, event: Event | Gone) -> list[Order]:
        """What is to be done after an event of a host."""
        if host in self._blamed and host in self.failed and isinstance(event, Gone):
            self.failed[host] = event.gone
        return self._answer(host, event) if host in self._order else []

    def _answer(self, host: str, event: Event | Gone) -> list[Order]:
        orders: list[Order] = []
        match event:
            case Hashed((index, value)):
                orders = self._hashed(host, index, value)
            case Forgot() if host != self.source:
                self._linked.pop(self._before(host), None)
                orders = self._join()
            case Placed() if host in self._placing:
                self.placed.add(host)
            case Lost(lost, why):
                orders = self._lost(host, lost, why)
            case Gone(why) | Error(why):
                orders = self._drop(host, why)
        return orders

    def give_up(self, why: str) -> None:
        """Mark every host that is not done as failed."""
        for name in self.receivers:
            if name not in self.placed:
                self.failed.setdefault(name, why)

    def _hashed(self, host: str, index: int, value: str) -> list[Order]:
        if index not in range(len(self.contents)):
            return self._drop(host, f"it speaks of file {index}, which nobody has")
        self._values[host][index] = value
        if host == self.source:
            self._wanted[index] = self._wanted[index] or value
            if value != self._wanted[index]:
                path, wanted = self.contents[index].paths[0], self._wanted[index]
                self.damaged.append(f"{path} has {value} instead of {wanted}")
        return self._settle()

    def _settle(self) -> list[Order]:
        """Ask again for what is damaged; place what is whole."""
        orders: list[Order] = []
        for host in [name for name in self._order if name != self.source]:
            values = self._values[host]
            for index, value in list(values.items()):
                if self._wanted[index] and value != self._wanted[index] and host in self._order:
                    orders += self._mend(host, index)
            whole = sum(value == self._wanted[index] for index, value in values.items())
            if whole == len(self.contents) and host not in self._placing:
                self._placing.add(host)
                orders.append((host, {"place": None}))
        return orders

    def _mend(self, host: str, index: int) -> list[Order]:
        before = self._before(host)
        if self._values[self.source].get(index) is None:
            return self._ask_source([index])
        if (host, index) in self._again:
            return self._drop(host, f"{self.contents[index].paths[0]} arrived damaged twice")
        if self._values[before].get(index) != self._wanted[index]:
            return []  # its turn comes once its predecessor is right
        self._again.add((host, index))
        del self._values[host][index]
        return [(host, {"again": [index]})]

    def _ask_source(self, indices: Iterable[int]) -> list[Order]:
        fresh = [index for index in indices if index not in self._asked]
        self._asked.update(fresh)
        return [(self.source, {"hash": fresh})] if fresh else []

    def _lost(self, host: str, lost: str, why: str) -> list[Order]:
        """A link broke, and either end may be the cause: the far one may try the source."""
        if self._linked.get(host) != lost or lost in self.placed or lost not in self._order:
            return []
        if host == self.source or lost in self._second_chance:
            self._blamed.add(lost)
            return self._drop(lost, f"the link {host} -> {lost} broke: {why}")
        self._second_chance.add(lost)
        self._order.remove(lost)
        self._order.insert(1, lost)
        return self._join()

    def _drop(self, host: str, why: str) -> list[Order]:
        if host == self.source:
            self.give_up(f"the source {host} failed: {why}")
            return []
        if host not in self.placed:
            self.failed[host] = why
        self._order.remove(host)
        return [*self._join(), *self._settle()]

    def _before(self, host: str) -> str:
        return self._order[self._order.index(host) - 1]

    def _join(self) -> list[Order]:
        """Orders for those whose successor is a new one."""
        orders: list[Order] = []
        for name, following in zip(self._order, self._order[1:], strict=False):
            if self._linked.get(name) != following:
                self._linked[name] = following
                to = self.receivers[following]
                target = {"address": to.address, "port": to.port, "token": to.token}
                orders.append((name, {"next": {"name": following, **target}}))
        return orders
