"""The verb `completion`: the script that a shell sources."""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="As in `source <(orchestrate completion bash)`.")],
) -> None:
    """Print the script that completes verbs and options in a shell."""
    typer.echo(
        get_completion_script(
            prog_name="orchestrate", complete_var="_ORCHESTRATE_COMPLETE", shell=shell
        )
    )
