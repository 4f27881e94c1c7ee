"""The command tree: parse, one verb, print its report, exit code. No logic."""

import os
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Annotated

import typer
import typer.exceptions
from rich.live import Live

from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.preflight import known_names
from orchestrator import report
from orchestrator.console import Console
from orchestrator.layers import parse_settings
from orchestrator.lazy import LazyGroup
from orchestrator.logs import find_service, read_log
from orchestrator.recipe import find_recipe
from orchestrator.serve import Request, prepare, serve
from orchestrator.status import status
from orchestrator.verb import (
    DryRun,
    Force,
    Json,
    Model,
    Nodes,
    RecipeFile,
    Run,
    Settings,
    show,
    take_down,
    with_hosts,
)

INTERRUPTED = 130
DEBUG = "ORCHESTRATE_DEBUG"
WATCH_S = 2.0

app = typer.Typer(
    name="orchestrate",
    cls=LazyGroup,
    help="Turn a handful of GPU hosts into one model server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def show_version(wanted: bool) -> None:
    if wanted:
        Console().raw(f"orchestrate {metadata.version('orchestrate')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=show_version, help="Show the version and leave."
        ),
    ] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


@app.command()
def teardown(
    nodes: Nodes = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take everything of this cluster down, and nothing else."""

    def verb(run: Run) -> int:
        if not (yes or dry_run or not sys.stdin.isatty()):
            typer.confirm(f"Stop everything of cluster {run.config.name}?", abort=True, err=True)
        return take_down(run, dry_run, json, only_ray=False)

    with_hosts(nodes, verb)


@app.command("serve")
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
        tell = run.console.tell
        if dry_run:
            launch = prepare(run.transport, run.config, request, tell, dry=True)
            run.console.raw(str(launch.plan))
            return 0
        done = serve(run.transport, run.config, request, tell, detach=detach)
        show(run, done, report.served, json)
        return 0

    with_hosts(nodes, verb)


@app.command("status")
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
                        report.status_screen(status(run.transport, run.config)), refresh=True
                    )
                    time.sleep(WATCH_S)
        found = status(run.transport, run.config)
        show(run, found, report.status_screen, json)
        return 0 if found.healthy else 1

    with_hosts(nodes, verb)


@app.command("logs")
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


def main() -> None:
    """The console script: exit 0, 1, 2 or 130; a traceback only with --debug."""
    sys.exit(exit_code_of(lambda: app(standalone_mode=False)))


def exit_code_of(verb: Callable[[], object]) -> int:
    try:
        code = verb()  # typer turns its Exit, and Ctrl-C, into the value that it returns
        if code == INTERRUPTED:
            Console().warn("interrupted")
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        Console().warn("interrupted")
        return INTERRUPTED
    except typer.exceptions.TyperException as error:
        if str(error).startswith("Usage:"):  # no verb was given: the help is the answer
            Console().raw(str(error))
            return UsageError.exit_code
        Console().fail(UsageError(Problem(error.format_message(), hint="orchestrate --help")))
        return UsageError.exit_code
    except BrokenPipeError:
        return 1
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        known = error if isinstance(error, OrchestrateError) else own_mistake(error)
        Console().fail(known)
        return known.exit_code


def own_mistake(error: Exception) -> OrchestrateError:
    hint = "this is a mistake of orchestrate: `orchestrate --debug` shows where"
    return OrchestrateError(Problem(f"{type(error).__name__}: {error}", hint=hint))
