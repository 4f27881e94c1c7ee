"""The verb `completion`: the script that a shell sources, and the answers that it asks for."""

from enum import StrEnum
from typing import Annotated, Any, cast

import typer
from typer._click.shell_completion import CompletionItem, ShellComplete, add_completion_class
from typer._completion_classes import BashComplete, FishComplete, ZshComplete
from typer._completion_shared import get_completion_script

from orchestrator.cli.lazy import COMPLETE, words_after


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def print_completion(
    shell: Annotated[Shell, typer.Argument(help="As in `source <(orchestrate completion bash)`.")],
) -> None:
    """Print the script that completes verbs and options in a shell."""
    typer.echo(get_completion_script(prog_name="orchestrate", complete_var=COMPLETE, shell=shell))


class WordsFirst(ShellComplete):
    """Where only verbs can follow, the table knows them: no verb and no pydantic is imported."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        tree, path = cast(Any, self.cli).tree, " ".join(args)
        if path in tree.groups and not incomplete.startswith("-"):
            return words_after(tree, path, incomplete)
        return super().get_completions(args, incomplete)


class Bash(WordsFirst, BashComplete): ...


class Zsh(WordsFirst, ZshComplete): ...


class Fish(WordsFirst, FishComplete): ...


def know_shells() -> None:
    """typer does so by itself only where it adds its own two options to a command."""
    for shell, kind in ((Shell.BASH, Bash), (Shell.ZSH, Zsh), (Shell.FISH, Fish)):
        add_completion_class(kind, shell.value)
