"""`models list`, `models lock` and `models pull`: parse, one verb, print its report. No logic."""

from typing import Annotated

import typer

from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes, RecipeFile, Run, show, show_on, with_hosts
from orchestrator.models.listing import list_recipes
from orchestrator.models.lockfile import lock_of
from orchestrator.models.screen import recipe_list
from orchestrator.recipes.recipe import find_recipe

Name = Annotated[str | None, typer.Argument(help="The recipe.")]


def models_lock(
    model: Name = None,
    recipe: RecipeFile = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit code 1 where the lock is out of date."),
    ] = False,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Write to models.lock which commit the recipe's revision is, and every file's hash."""
    from orchestrator.models.lock import lock_model
    from orchestrator.models.screen import lock_screen

    chosen = find_recipe(model, recipe)

    def verb(run: Run) -> int:
        reporter = run.console
        done = lock_model(run.transport, run.config, chosen, reporter, check=check)
        show(run, done, lock_screen, json)
        return 1 if done.differs and check else 0

    with_hosts(nodes, verb)


def models_pull(
    model: Name = None,
    recipe: RecipeFile = None,
    host: Annotated[str | None, typer.Option(help="Where to; default: the head.")] = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Download the locked commit from the hub to one host, and go on where it stopped."""
    from orchestrator.models.pull import pull
    from orchestrator.models.screen import pull_screen

    chosen = find_recipe(model, recipe)

    def verb(run: Run) -> int:
        done = pull(run.transport, run.config, chosen, host, run.console)
        show(run, done, pull_screen, json)
        return 0

    with_hosts(nodes, verb)


def models_list(nodes: Nodes = None, json: Json = False) -> None:
    """Every recipe: built-in ones and those of ./recipes; no host is asked."""
    found, error = list_recipes(lock_of(nodes))
    with Console() as console:
        show_on(console, found, recipe_list, json)
    if error:
        raise error
