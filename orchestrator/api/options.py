"""What every verb against a live model shares: its options, and the opened server."""

from collections.abc import Callable
from typing import Annotated

import typer

from orchestrator.api.target import Target, Wanted, open_target
from orchestrator.cli.console import Console

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Any OpenAI-compatible server, as in http://127.0.0.1:8000. "
        "Default: the model running on this inventory.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Where there are several: the recipe, the served name or the service.",
    ),
]
KeyFile = Annotated[
    str | None,
    typer.Option(
        "--api-key-file",
        help="Holds the server's API key. Default: $ORCHESTRATE_API_KEY, else the key that "
        "`serve` made.",
    ),
]


def with_target(wanted: Wanted, verb: Callable[[Console, Target], int]) -> None:
    """Open the server, run the verb, leave with its exit code."""
    with Console() as console, open_target(wanted) as target:
        code = verb(console, target)
    raise typer.Exit(code)
