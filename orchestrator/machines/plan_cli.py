"""The verb `plan`: parse, plan, print its report. No logic."""

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from cluster.errors import OrchestrateError
from cluster.inventory.config import ClusterConfig, load
from orchestrator.cli.console import Console
from orchestrator.cli.options import (
    Json,
    Model,
    Nodes,
    RecipeFile,
    Run,
    Settings,
    show,
    show_on,
    with_hosts,
)
from orchestrator.models.lockfile import lock_path, read_lock
from orchestrator.recipes.layers import parse_settings
from orchestrator.recipes.recipe import find_recipe
from orchestrator.serving.plan import PlanReport, plan_on_hardware, plan_on_hosts
from orchestrator.serving.plan_screen import plan_screen
from orchestrator.serving.resolve import ServeRequest


def plan_model(
    model: Model = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    hardware: Annotated[
        str,
        typer.Option(help="KINDxN, as gb10x2 or h200x4: plan for that, without asking any host."),
    ] = "",
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """What fits where: weights, KV cache, longest context, split. Starts nothing."""
    request = ServeRequest(find_recipe(model, recipe), parse_settings(settings or []))
    if hardware:
        with Console() as console:
            config = inventory_of(nodes)
            prices = config.cost if config else None
            lock = read_lock(lock_path(config))
            done = with_measured_costs(plan_on_hardware(hardware, request, lock, prices, console))
            show_on(console, done, plan_screen, json)
        raise typer.Exit(0 if done.fits else 1)

    def verb(run: Run) -> int:
        done = with_measured_costs(plan_on_hosts(run.transport, run.config, request, run.console))
        show(run, done, plan_screen, json)
        return 0 if done.fits else 1

    with_hosts(nodes, verb)


def inventory_of(nodes: str | None) -> ClusterConfig | None:
    """Where there is one that can be read, for its prices and models.lock: hardware needs none."""
    with suppress(OrchestrateError):
        return load(nodes)
    return None


def with_measured_costs(report: PlanReport) -> PlanReport:
    """With what the newest bench of the recipe has made of an hour."""
    if report.cost is None:
        return report
    from orchestrator.bench.latest import measured_costs  # slow to import, and rarely asked for

    return replace(report, measured=measured_costs(report.recipe, report.cost))
