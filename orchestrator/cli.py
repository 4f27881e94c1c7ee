"""The command tree: parse, one verb, print its report, exit code. No logic."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
import typer.exceptions
from rich.live import Live

from cluster.config import ClusterConfig, load
from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.facts import gather_facts
from cluster.local import Local
from cluster.ssh import SSH
from cluster.start import plan_for, start_cluster
from cluster.stop import plan_stop, stop_cluster
from cluster.transport import Transport
from orchestrator import report
from orchestrator.console import Console
from orchestrator.logs import find_service, read_log
from orchestrator.recipe import parse_settings
from orchestrator.serve import Request, prepare, serve
from orchestrator.status import status

INTERRUPTED = 130
WATCH_S = 2.0

app = typer.Typer(
    name="orchestrate",
    help="Turn a handful of GPU hosts into one model server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cluster_app = typer.Typer(help="Ray on the hosts: start, stop, host keys.", no_args_is_help=True)
app.add_typer(cluster_app, name="cluster")

Nodes = Annotated[
    str | None,
    typer.Option(
        help="The inventory; default: $ORCHESTRATE_NODES, else ./nodes.toml. "
        "`local` means this machine alone, without SSH."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would run on each host; change nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="key=value: override an argument of vLLM, `port`, `served_name`, `model`, `revision` "
        "or env.NAME. Repeatable.",
    ),
]


@dataclass(frozen=True)
class Run:
    """What every verb needs."""

    config: ClusterConfig
    transport: Transport
    console: Console


def with_hosts(nodes: str | None, verb: Callable[[Run], int]) -> None:
    """Load the inventory, open the road, run the verb, leave with its exit code."""
    config = load(nodes)
    transport: Transport = Local() if config.is_local else SSH(config.ssh)
    with Console() as console, transport:
        code = verb(Run(config, transport, console))
    raise typer.Exit(code)


@cluster_app.command("start")
def cluster_start(nodes: Nodes = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Bring Ray up on every host; what is up stays as it is."""

    def verb(run: Run) -> int:
        if dry_run:
            run.console.raw(str(plan_for(run.transport, run.config)[0]))
            return 0
        done = start_cluster(run.transport, run.config, run.console.tell)
        show(run, done, report.started, json)
        return 0

    with_hosts(nodes, verb)


@cluster_app.command("stop")
def cluster_stop(nodes: Nodes = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Take Ray down. Refused while a model runs on it."""
    with_hosts(nodes, lambda run: take_down(run, dry_run, json, only_ray=True))


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


def take_down(run: Run, dry_run: bool, json: bool, *, only_ray: bool) -> int:
    if dry_run:
        facts = gather_facts(run.transport, run.config)
        run.console.raw(str(plan_stop(run.config, facts, only_ray=only_ray)))
        return 0
    done = stop_cluster(run.transport, run.config, run.console.tell, only_ray=only_ray)
    show(run, done, report.stopped, json)
    for error in done.unreached:
        run.console.fail(error)
    return 1 if done.unreached else 0


@cluster_app.command("trust")
def cluster_trust(
    nodes: Nodes = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept without asking.")] = False,
) -> None:
    """Show the hosts' SSH keys and, after a yes, add the unknown ones to known_hosts."""
    from cluster.trust import HostKey, accept, host_keys

    def verb(run: Run) -> int:
        found = [key for _, key in host_keys(run.config)]
        keys = [key for key in found if isinstance(key, HostKey)]
        for key in keys:
            line = f"{key.node.name}  {key.entry}  {key.kind}  {key.fingerprint}  {key.state}"
            run.console.raw(line)
        for error in found:
            if isinstance(error, OrchestrateError):
                run.console.fail(error)
        unknown = [key for key in keys if key.state == "unknown"]
        if unknown:
            if not yes:
                typer.confirm("Are these the keys of your hosts?", abort=True, err=True)
            accept(unknown, run.config.ssh)
            run.console.raw(f"{len(unknown)} keys added to {run.config.ssh.known_hosts}")
        changed = [key for key in keys if key.state == "changed"]
        for key in changed:
            run.console.warn(
                f"{key.node.name} shows another key than known_hosts has: if it was reinstalled, "
                f"ssh-keygen -R '{key.entry}', then again"
            )
        return 1 if changed or len(keys) < len(found) else 0

    with_hosts(nodes, verb)


@app.command("serve")
def serve_model(
    model: Annotated[str, typer.Option(help="The recipe.")],
    settings: Settings = None,
    nodes: Nodes = None,
    dry_run: DryRun = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Return after the launch, without waiting for an answer."),
    ] = False,
    json: Json = False,
) -> None:
    """Launch a model and wait until it has answered."""
    request = Request(model, parse_settings(settings or []))

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


def show(run: Run, done: Any, as_text: Callable[[Any], Any], json: bool) -> None:
    if json:
        run.console.raw(report.as_json(done))
    else:
        run.console.show(as_text(done))


def main() -> None:
    """The console script: exit 0, 1, 2 or 130; a traceback only with ORCHESTRATE_DEBUG=1."""
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
        Console().fail(UsageError(Problem(error.format_message(), hint="orchestrate --help")))
        return UsageError.exit_code
    except BrokenPipeError:
        return 1
    except Exception as error:
        if os.environ.get("ORCHESTRATE_DEBUG"):
            raise
        known = error if isinstance(error, OrchestrateError) else own_mistake(error)
        Console().fail(known)
        return known.exit_code


def own_mistake(error: Exception) -> OrchestrateError:
    hint = "this is a mistake of orchestrate: ORCHESTRATE_DEBUG=1 shows where"
    return OrchestrateError(Problem(f"{type(error).__name__}: {error}", hint=hint))
