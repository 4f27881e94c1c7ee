"""The verbs of `orchestrate audit`: parse, one verb, print its report. No logic."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.audit import screen
from orchestrator.audit.bundle import BundleRequest, bundle
from orchestrator.audit.compare import compare_bundles
from orchestrator.audit.verify import verify_bundle
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes, show_on


def audit_bundle(
    samples: Annotated[
        list[Path] | None,
        typer.Option(help="A file that the verb `sample` wrote. Repeatable."),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(help="Another file or folder, such as a result in artifacts/. Repeatable."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="Of `models manifest`. Default: the newest of the recipe."),
    ] = None,
    without_manifest: Annotated[
        bool,
        typer.Option("--without-manifest", help="Bundle without proof of the weights; it says so."),
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Default: artifacts/audit/TIME-RECIPE.tar.gz.")
    ] = None,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Put all that is known of the running model into one file, for an audit."""
    request = BundleRequest(samples or (), add or (), manifest, without_manifest, output)

    def verb(console: Console, target: Target) -> int:
        check = bundle(target, request, console)
        show_on(console, check, screen.bundle_screen, json)
        return 0

    with_target(Wanted(url, model, api_key_file, nodes), verb)


def audit_verify(
    bundle: Annotated[Path, typer.Argument(help="A file that `audit bundle` wrote.")],
    other: Annotated[
        Path | None, typer.Argument(help="Compare with this one: exit code 1 unless equal.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a bundle, or compare two: what differs, the most important first, and why."""
    checked = verify_bundle(bundle)
    with Console() as console:
        if other is None:
            done = checked[0]
            show_on(console, done, screen.check_screen, json)
            raise typer.Exit(0 if done.passed else 1)
        both = compare_bundles(checked, verify_bundle(other))
        show_on(console, both, screen.comparison_screen, json)
        raise typer.Exit(0 if both.equal else 1)
