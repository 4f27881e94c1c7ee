"""What was asked for -> the recipe that is served: layers, hardware and models.lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cluster.reporter import Reporter
from orchestrator.models.lockfile import ModelsLock
from orchestrator.models.revision import at_commit
from orchestrator.recipes.layer import Value
from orchestrator.recipes.layers import Layered, apply_layers
from orchestrator.recipes.recipe import Recipe


@dataclass(frozen=True)
class ServeRequest:
    """What the user asked for."""

    recipe: Recipe
    settings: Mapping[str, Value] = field(default_factory=dict)
    force: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Resolved:
    """The layers with their recipe at its commit; `hardware` is the profile beneath them, `note`
    what should be said of the commit.
    """

    layers: Layered
    hardware: str | None
    note: str = ""

    @property
    def recipe(self) -> Recipe:
        return self.layers.recipe


def resolve(
    request: ServeRequest, lock: ModelsLock, hardware: str | None, *, needs_lock: bool = True
) -> Resolved:
    """The same for serve, plan and show; the last two need no lock where a launch would.

    Raises UsageError for a recipe that is served at one commit only when none is known, ConfigError
    for a setting that cannot be.
    """
    found = apply_layers(request.recipe, hardware, request.settings)
    fixed, note = at_commit(request.recipe, found.recipe, lock, needs_lock=needs_lock)
    if fixed.revision != found.recipe.revision:
        fields = (*found.fields, ("models.lock", {"revision": fixed.revision}))
        found = replace(found, recipe=fixed, fields=fields)
    return Resolved(found, hardware, note)


def resolve_to_show(
    request: ServeRequest, lock: ModelsLock, hardware: str | None, reporter: Reporter
) -> Resolved:
    """Tells the note. A recipe without the lock that a launch needs is shown all the same."""
    found = resolve(request, lock, hardware, needs_lock=False)
    if found.note:
        reporter.tell(found.note)
    return found
