"""The verb `logs`: parse, read, print. No logic."""

from collections.abc import Callable
from typing import Annotated

import typer

from orchestrator.cli.console import Console
from orchestrator.cli.options import Nodes, Run, with_hosts
from orchestrator.serving.logs import find_service, read_log


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
        write = write_lines(run.console)
        read_log(run.transport, found, run.config, write, lines=lines, follow=follow)
        return 0

    with_hosts(nodes, verb)


def write_lines(console: Console) -> Callable[[str], None]:
    return lambda line: console.stream(f"{line}\n")
