"""The verb `completion`: the script that a shell sources, and the answers that it asks for."""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

from orchestrator.cli.lazy import COMPLETE


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="As in `source <(orchestrate completion bash)`.")],
) -> None:
    """Print the script that completes verbs and options in a shell."""
    typer.echo(get_completion_script(prog_name="orchestrate", complete_var=COMPLETE, shell=shell))


def know_shells() -> None:
    """typer does so by itself only where it adds its own two options to a command."""
    completion_init()
