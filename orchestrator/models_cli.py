"""The verbs of `orchestrate models`: parse, one verb, print its report. No logic."""

import typer

from orchestrator.recipes_cli import models_list, models_show

models_app = typer.Typer(help="Recipes, and their files on the hosts.", no_args_is_help=True)


@models_app.callback()
def models() -> None:
    pass


models_app.command("list")(models_list)
models_app.command("show")(models_show)
