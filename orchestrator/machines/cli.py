"""The verbs of `orchestrate cluster`: parse, one verb, print its report. No logic."""

import sys
from typing import Annotated

import typer

from cluster.bandwidth.measure import measure_bandwidth
from cluster.check import check_cluster
from cluster.checks.gate import known_names
from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.facts.gather import gather_facts
from cluster.ray.environment_report import environment_report
from cluster.start import prepare_start, start_cluster
from cluster.stop import plan_stop, stop_cluster
from orchestrator.cli.options import DryRun, Force, Json, Nodes, Run, show, with_hosts
from orchestrator.cli.render import as_json
from orchestrator.machines import bandwidth_report, env_report, screen


def cluster_start(
    nodes: Nodes = None, dry_run: DryRun = False, force: Force = None, json: Json = False
) -> None:
    """Bring Ray up on every host; what is up stays as it is."""
    forced = known_names(force or [])

    def verb(run: Run) -> int:
        reporter = run.console
        if dry_run:
            run.console.raw(str(prepare_start(run.transport, run.config, reporter, forced).plan))
            return 0
        done = start_cluster(run.transport, run.config, reporter, forced)
        show(run, done, screen.started, json)
        return 0

    with_hosts(nodes, verb)


def cluster_stop(nodes: Nodes = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Take Ray down. Refused while a model runs on it."""
    with_hosts(nodes, lambda run: take_down(run, dry_run, json, only_ray=True))


def cluster_check(
    nodes: Nodes = None,
    env: Annotated[
        bool,
        typer.Option(
            "--env", help="Only show each host's NCCL, Gloo, UCX and Ray variables, to paste."
        ),
    ] = False,
    bandwidth: Annotated[
        bool,
        typer.Option("--bandwidth", help="Only measure the fast link, for every pair of hosts."),
    ] = False,
    json: Json = False,
) -> None:
    """Find every problem of the hosts at once, before anything starts; change nothing."""

    def verb(run: Run) -> int:
        if env and bandwidth:
            raise UsageError(Problem("--env and --bandwidth are two reports", hint="give one"))
        if env:
            return show_environment(run, json)
        if bandwidth:
            rates = measure_bandwidth(run.transport, run.config, run.console)
            show(run, rates, bandwidth_report.bandwidth_screen, json)
            return 1 if rates.failed else 0
        found = check_cluster(run.transport, run.config, run.console)
        show(run, found, screen.checked, json)
        return 1 if found.failed else 0

    with_hosts(nodes, verb)


def show_environment(run: Run, json: bool) -> int:
    known = environment_report(run.config, gather_facts(run.transport, run.config))
    run.console.raw(as_json(known) if json else env_report.exports(known))
    if known.problems:
        run.console.fail(OrchestrateError(*known.problems))
    return 1 if known.problems else 0


def cluster_trust(
    nodes: Nodes = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept without asking.")] = False,
) -> None:
    """Show the hosts' SSH keys and, after a yes, add the unknown ones to known_hosts."""
    from orchestrator.machines.trust import trust

    with_hosts(nodes, lambda run: trust(run, yes))


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
    done = stop_cluster(run.transport, run.config, run.console, only_ray=only_ray)
    show(run, done, screen.stopped, json)
    for error in done.unreached:
        run.console.fail(error)
    return 1 if done.unreached else 0
