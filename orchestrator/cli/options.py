"""What the verbs share: options, the road to the hosts, how a report is shown."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cluster.inventory.config import ClusterConfig, load
from cluster.transport.open import open_transport
from cluster.transport.protocol import Transport
from orchestrator.cli import render as report
from orchestrator.cli.console import Console

Nodes = Annotated[
    str | None,
    typer.Option(
        help="The inventory; default: $ORCHESTRATE_NODES, else ./nodes.toml. "
        "`local` means this machine alone, without SSH."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(help="The recipe: one of ./recipes or a built-in one; `orchestrate models list`."),
]
RecipeName = Annotated[str | None, typer.Argument(metavar="RECIPE", help="The recipe.")]
RecipeFile = Annotated[
    str | None, typer.Option("--recipe", help="The recipe's file, in place of a name.")
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
Force = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Continue although this check of `cluster check` fails; the audit line says so. "
        "Repeatable.",
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
    with Console() as console, closing(open_transport(config)) as transport:
        code = verb(Run(config, transport, console))
    raise typer.Exit(code)


def show(run: Run, done: Any, as_text: Callable[[Any], Any], json: bool) -> None:
    show_on(run.console, done, as_text, json)


def show_on(console: Console, done: Any, as_text: Callable[[Any], Any], json: bool) -> None:
    """For a verb that needs no inventory."""
    if json:
        console.raw(report.as_json(done))
    else:
        console.show(as_text(done))
