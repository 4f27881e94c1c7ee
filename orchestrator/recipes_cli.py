"""`models list` and `models show`: parse, one verb, print its report. No logic."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.config import has_inventory, load
from orchestrator.console import Console
from orchestrator.layers import parse_settings
from orchestrator.lockfile import ModelsLock, lock_path, read_lock
from orchestrator.models_list import list_recipes
from orchestrator.models_report import recipe_list, recipe_shown
from orchestrator.models_show import known_hardware, show_on_hosts, show_recipe
from orchestrator.recipe import find_recipe
from orchestrator.serve import Request
from orchestrator.verb import Json, Nodes, RecipeFile, Run, Settings, show, show_on, with_hosts

Hardware = Annotated[
    str | None,
    typer.Option(help="Show it for this hardware profile (gb10, h100, ...); no host is asked."),
]


def models_list(nodes: Nodes = None, json: Json = False) -> None:
    """Every recipe: built-in ones and those of ./recipes; no host is asked."""
    found, error = list_recipes(lock_of(nodes))
    with Console() as console:
        show_on(console, found, recipe_list, json)
    if error:
        raise error


def models_show(
    model: Annotated[str | None, typer.Argument(help="The recipe.")] = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    hardware: Hardware = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """The final arguments and environment of vLLM, and where each of them comes from."""
    request = Request(find_recipe(model, recipe), parse_settings(settings or []))
    lock = lock_of(nodes)
    if hardware or not has_inventory(nodes):
        note = "no host was asked" if hardware else "there is no inventory: no host was asked"
        with Console() as console:
            chosen = known_hardware(hardware)
            found = show_recipe(request, lock, chosen, console.tell, note=note)
            show_on(console, found, recipe_shown, json)
        return

    def verb(run: Run) -> int:
        found = show_on_hosts(run.transport, run.config, request, lock, run.console.tell)
        show(run, found, recipe_shown, json)
        return 0

    with_hosts(nodes, verb)


def lock_of(nodes: str | None) -> ModelsLock:
    """The lock beside the inventory; the one here where there is no inventory."""
    path = lock_path(load(nodes)) if has_inventory(nodes) else Path("models.lock")
    return read_lock(path)
