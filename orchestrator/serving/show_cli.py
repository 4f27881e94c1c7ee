"""The verb `models show`: parse, show, print its report. No logic."""

from typing import Annotated

import typer

from cluster.inventory.config import has_inventory
from orchestrator.cli.console import Console
from orchestrator.cli.options import (
    Json,
    Nodes,
    RecipeFile,
    Run,
    Settings,
    show,
    show_on,
    with_hosts,
)
from orchestrator.models.lockfile import lock_of
from orchestrator.recipes.layers import parse_settings
from orchestrator.recipes.recipe import find_recipe
from orchestrator.serving.resolve import ServeRequest
from orchestrator.serving.show import known_hardware, show_on_hosts, show_recipe
from orchestrator.serving.show_screen import show_screen

HardwareOption = Annotated[
    str | None,
    typer.Option(help="Show it for this hardware profile (gb10, h100, ...); no host is asked."),
]


def models_show(
    model: Annotated[str | None, typer.Argument(help="The recipe.")] = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    hardware: HardwareOption = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """The final arguments and environment of vLLM, and where each of them comes from."""
    request = ServeRequest(find_recipe(model, recipe), parse_settings(settings or []))
    lock = lock_of(nodes)
    if hardware or not has_inventory(nodes):
        note = "no host was asked" if hardware else "there is no inventory: no host was asked"
        with Console() as console:
            chosen = known_hardware(hardware)
            found = show_recipe(request, lock, chosen, console, note=note)
            show_on(console, found, show_screen, json)
        return

    def verb(run: Run) -> int:
        found = show_on_hosts(run.transport, run.config, request, lock, run.console)
        show(run, found, show_screen, json)
        return 0

    with_hosts(nodes, verb)
