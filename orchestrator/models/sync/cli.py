"""`models sync`: parse, one verb, print its report. No logic."""

from typing import Annotated

import typer

from orchestrator.cli.options import Json, Nodes, RecipeFile, Run, show, with_hosts
from orchestrator.models.lockfile import lock_path, read_lock
from orchestrator.models.sync.screen import sync_failure, sync_screen
from orchestrator.models.sync.sync import sync
from orchestrator.recipes.recipe import find_recipe

Source = Annotated[
    str | None,
    typer.Option("--from", help="The host to copy from; default: the first that has it all."),
]


def models_sync(
    model: Annotated[str | None, typer.Argument(help="The recipe.")] = None,
    recipe: RecipeFile = None,
    source: Source = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Copy a model from one host to all others over the fast link, and verify it."""
    wanted = find_recipe(model, recipe)

    def verb(run: Run) -> int:
        lock = read_lock(lock_path(run.config))
        done = sync(run.transport, run.config, wanted, lock, source, run.console)
        show(run, done, sync_screen, json)
        if done.whole:
            return 0
        run.console.fail(sync_failure(done))
        return 1

    with_hosts(nodes, verb)
