"""The verb `status`: parse, ask, print its report. No logic."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer

from cluster.inventory.cost import HourlyCost
from orchestrator.cli.options import Json, Nodes, Run, show, with_hosts
from orchestrator.serving.status import status
from orchestrator.serving.status_screen import status_screen

WATCH_S = 2.0


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
            from rich.live import Live

            with Live(console=run.console.out, auto_refresh=False) as live:
                while True:
                    found = status(run.transport, run.config, costs)
                    live.update(status_screen(found), refresh=True)
                    time.sleep(WATCH_S)
        found = status(run.transport, run.config, costs)
        show(run, found, status_screen, json)
        return 0 if found.healthy else 1

    with_hosts(nodes, verb)


def costs(recipe: str, cost: HourlyCost) -> Iterable[str]:
    """What the newest bench has made of an hour; its rooms are slow to import, and rarely asked."""
    from orchestrator.bench.latest import measured_costs

    return measured_costs(recipe, cost)
