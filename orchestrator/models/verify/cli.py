"""The verbs `models verify` and `models manifest`: parse, one verb, print its report. No logic."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import Json, Nodes, RecipeFile, RecipeName, Run, show, with_hosts
from orchestrator.models.verify import screen as verify_report
from orchestrator.models.verify.manifest import make_manifest, request_from_manifest
from orchestrator.models.verify.verify import VerifyReport, from_lock, verify
from orchestrator.recipes.recipe import find_recipe


def models_verify(
    model: RecipeName = None,
    recipe: RecipeFile = None,
    host: Annotated[str | None, typer.Option(help="Only this host.")] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Compare sizes and the hub's metadata only; read no content."),
    ] = False,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Hash every file of a model on every host, and compare with models.lock."""

    def verb(run: Run) -> int:
        request = from_lock(run.config, find_recipe(model, recipe), quick=quick, host=host)
        return show_result(run, verify(run.transport, run.config, request, run.console), json)

    with_hosts(nodes, verb)


def models_manifest(
    model: RecipeName = None,
    recipe: RecipeFile = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Default: artifacts/manifests/TIME-RECIPE.json beside nodes.toml."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Write none; verify the hosts against this one."),
    ] = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Verify, then write down the SHA-256 of every file, sealed, for an audit to keep."""

    def verb(run: Run) -> int:
        found = find_recipe(model, recipe)
        request = request_from_manifest(check, found) if check else from_lock(run.config, found)
        done = verify(run.transport, run.config, request, run.console)
        if check or not done.same:
            return show_result(run, done, json)
        show(
            run,
            make_manifest(run.config, request, done, output),
            verify_report.manifest_screen,
            json,
        )
        return 0

    with_hosts(nodes, verb)


def show_result(run: Run, done: VerifyReport, json: bool) -> int:
    show(run, done, verify_report.verify_screen, json)
    for error in done.errors:
        run.console.fail(error)
    return 0 if done.same else 1
