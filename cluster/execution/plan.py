"""Plans are values: what will be done on which host, in which order. Nothing here does anything."""

from collections.abc import Mapping
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
        return "\n".join(self.lines())

    def lines(self, *, without: Mapping[str, str] = {}) -> list[str]:
        """For a plan that shows the variables `without` elsewhere."""
        lines = [f"{self.node.name}: start {self.service.name}"]
        lines += [f"  with {name} in its folder" for name in self.service.files]
        return lines + [f"    {line}" for line in self.service.command.lines(without=without)]


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
        lines = [f"{self.node.name}: stop {', '.join(self.marks)}"] if self.marks else []
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
        kinds = self.kinds()
        lines = [self.title, *(line for kind in kinds for line in kind.lines())]
        for stage in self.stages:
            if stage.steps:
                lines.append(f"{stage.title}:")
                lines += [f"  {line}" for step in stage.steps for line in step_lines(step, kinds)]
        return "\n".join(lines)

    def kinds(self) -> list["Kind"]:
        """The services that it starts, by their defaults."""
        found: dict[tuple[tuple[str, str], ...], list[Service]] = {}
        for service in self.starts():
            found.setdefault(tuple(sorted(service.defaults.items())), []).append(service)
        return [Kind(tuple(services)) for services in found.values()]

    def starts(self) -> tuple[Service, ...]:
        steps = (step for stage in self.stages for step in stage.steps)
        return tuple(step.service for step in steps if isinstance(step, Start))


@dataclass(frozen=True)
class Kind:
    """Services of one plan with the same defaults."""

    services: tuple[Service, ...]

    def shared(self) -> dict[str, str]:
        """The defaults that each of them is sent as they are: one that a host changes is none."""
        envs = [each.command.env for each in self.services]
        defaults = sorted(self.services[0].defaults.items())
        return {k: v for k, v in defaults if all(env.get(k) == v for env in envs)}

    def lines(self) -> list[str]:
        names = " and ".join(dict.fromkeys(each.name for each in self.services))
        shown = [f"    {name}={masked(name, value)}" for name, value in self.shared().items()]
        return [f"every {names} gets:", *shown] if shown else []


def step_lines(step: Step, kinds: list[Kind]) -> list[str]:
    if isinstance(step, Start):
        (kind,) = (kind for kind in kinds if step.service in kind.services)
        return step.lines(without=kind.shared())
    return str(step).splitlines()
