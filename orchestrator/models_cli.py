"""The verbs of `orchestrate models`; each stands in a module of its own."""

import typer

from orchestrator.hub_cli import models_lock, models_pull
from orchestrator.recipes_cli import models_list, models_show
from orchestrator.sync_cli import models_sync
from orchestrator.verify_cli import models_manifest, models_verify

models_app = typer.Typer(help="Recipes, and their files on the hosts.", no_args_is_help=True)


@models_app.callback()
def models() -> None:
    pass


models_app.command("list")(models_list)
models_app.command("show")(models_show)
models_app.command("verify")(models_verify)
models_app.command("manifest")(models_manifest)
models_app.command("lock")(models_lock)
models_app.command("pull")(models_pull)
models_app.command("sync")(models_sync)
