"""Plans are values: what will be done on which host, in which order. Nothing here does anything."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cluster.inventory.node import Node
from cluster.runtimes.service import Service
from cluster.transport.command import masked


@dataclass(frozen=True)
class Put:
    """Write a file of the host; the content is never rendered: the only road for secrets."""

    node: Node
    path: str
    content: str = field(repr=False)
    mode: int = 0o600

    def __str__(self) -> str:
        return f"{self.node.name}: write {self.path} (mode {self.mode:o}, content not shown)"


@dataclass(frozen=True)
class Start:
    service: Service

    @property
    def node(self) -> Node:
        return self.service.node

    def __str__(self) -> str:
        lines = [f"{self.node.name}: start {self.service.name}"]
        lines += [f"  with {name} in its folder" for name in self.service.files]
        shown = self.service.command.lines(without=self.service.defaults)
        return "\n".join([*lines, *(f"    {line}" for line in shown)])


@dataclass(frozen=True)
class Stop:
    """Stop services of ours, and what still carries their mark; then remove folders of ours.

    With `only_this_run`, not what another run has started since.
    `keep_record` leaves what `status` shows of a service that ended by itself.
    """

    node: Node
    marks: tuple[str, ...]
    remove: tuple[str, ...] = ()
    grace_s: float = 10
    keep_record: bool = False
    only_this_run: bool = False

    def __str__(self) -> str:
        lines = [f"{self.node.name}: stop {', '.join(self.marks)}"]
        lines += [f"{self.node.name}: remove {folder}" for folder in self.remove]
        return "\n".join(lines)


Step = Put | Start | Stop


@dataclass(frozen=True)
class Stage:
    """Steps that run side by side."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    """Stages in order. str() is the dry run."""

    title: str
    stages: tuple[Stage, ...] = ()

    def __bool__(self) -> bool:
        return any(stage.steps for stage in self.stages)

    def __str__(self) -> str:
        if not self:
            return f"{self.title}: nothing to do"
        lines = [self.title, *self.defaults()]
        for stage in self.stages:
            if stage.steps:
                lines.append(f"{stage.title}:")
                lines += ["  " + line for step in stage.steps for line in str(step).splitlines()]
        return "\n".join(lines)

    def defaults(self) -> Iterator[str]:
        """What every service of a kind gets, once for all of them."""
        steps = [step for stage in self.stages for step in stage.steps if isinstance(step, Start)]
        kinds: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for step in steps:
            kind = tuple(sorted(step.service.defaults.items()))
            kinds.setdefault(kind, []).append(step.service.name)
        for variables, names in kinds.items():
            if variables:
                yield f"every {' and '.join(dict.fromkeys(names))} gets:"
                yield from (f"    {name}={masked(name, value)}" for name, value in variables)
