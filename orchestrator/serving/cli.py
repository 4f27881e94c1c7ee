"""The verb `serve`: parse, launch, print its report. No logic."""

from typing import Annotated

import typer

from cluster.checks.gate import known_names
from orchestrator.cli.options import (
    DryRun,
    Force,
    Json,
    Model,
    Nodes,
    RecipeFile,
    Run,
    Settings,
    show,
    with_hosts,
)
from orchestrator.recipes.layers import parse_settings
from orchestrator.recipes.recipe import find_recipe
from orchestrator.serving import screen
from orchestrator.serving.prepare import prepare
from orchestrator.serving.resolve import ServeRequest
from orchestrator.serving.serve import serve


def serve_model(
    model: Model = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    nodes: Nodes = None,
    dry_run: DryRun = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Return after the launch, without waiting for an answer."),
    ] = False,
    force: Force = None,
    json: Json = False,
) -> None:
    """Launch a model and wait until it has answered."""
    request = ServeRequest(
        find_recipe(model, recipe), parse_settings(settings or []), known_names(force or [])
    )

    def verb(run: Run) -> int:
        reporter = run.console
        if dry_run:
            launch = prepare(run.transport, run.config, request, reporter, dry=True)
            run.console.raw(str(launch.plan))
            return 0
        done = serve(run.transport, run.config, request, reporter, detach=detach)
        show(run, done, screen.served, json)
        return 0

    with_hosts(nodes, verb)
