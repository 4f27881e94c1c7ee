"""The verbs `serve`, `status` and `logs`: parse, one verb, print its report. No logic."""

import time
from typing import Annotated

import typer
from rich.live import Live

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
from orchestrator.serving.logs import find_service, read_log
from orchestrator.serving.prepare import prepare
from orchestrator.serving.resolve import Request
from orchestrator.serving.serve import serve
from orchestrator.serving.status import status

WATCH_S = 2.0


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
    request = Request(
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


def show_status(
    nodes: Nodes = None,
    json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every two seconds until Ctrl-C.")
    ] = False,
) -> None:
    """Hosts, Ray, models, memory, addresses, and whether each model answers right now."""

    def verb(run: Run) -> int:
        if watch:
            with Live(console=run.console.out, auto_refresh=False) as live:
                while True:
                    live.update(
                        screen.status_screen(status(run.transport, run.config)), refresh=True
                    )
                    time.sleep(WATCH_S)
        found = status(run.transport, run.config)
        show(run, found, screen.status_screen, json)
        return 0 if found.healthy else 1

    with_hosts(nodes, verb)


def show_logs(
    service: Annotated[str | None, typer.Argument(help="Default: the model, else Ray.")] = None,
    host: Annotated[str | None, typer.Option(help="Where it runs more than once.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Old lines to show.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    nodes: Nodes = None,
) -> None:
    """A service's log, from whichever host it runs on."""

    def verb(run: Run) -> int:
        found = find_service(run.transport, run.config, service, host)
        write = run.console.raw
        read_log(run.transport, found, run.config, write, lines=lines, follow=follow)
        return 0

    with_hosts(nodes, verb)
