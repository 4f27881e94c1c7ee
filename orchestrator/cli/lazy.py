"""A command tree out of a table: a verb's module is imported when the verb is typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

COMPLETE = "_ORCHESTRATE_COMPLETE"  # set by a shell that asks which words may follow
HELP = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True)
class Verb:
    """One line of the table: `target` is "module:function"; its docstring begins with `summary`."""

    target: str
    summary: str


Table = Mapping[str, Verb]


@dataclass(frozen=True)
class Tree:
    """`sections` holds the table under titles, `groups` what a group of verbs is for."""

    sections: Mapping[str, Table]
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def verbs(self) -> dict[str, Verb]:
        return {path: verb for table in self.sections.values() for path, verb in table.items()}

    def children(self, path: str) -> dict[str, str]:
        """The words that may follow `path`, each with what it is for."""
        return {
            word: summary for rows in self.listing(path).values() for word, summary in rows.items()
        }

    def listing(self, path: str) -> dict[str, dict[str, str]]:
        """By section, in the order of the table."""
        before, found = f"{path} ".lstrip(), {}
        for title, table in self.sections.items():
            words = {
                each.removeprefix(before).split()[0]: None
                for each in table
                if each > before and each.startswith(before)
            }
            rows = {word: self.summary_of(before + word) for word in words}
            if rows:
                found[title] = rows
        return found

    def summary_of(self, path: str) -> str:
        verb = self.verbs.get(path)
        return verb.summary if verb else self.groups[path]


class VerbGroup(TyperGroup):
    """Looks words up in the table; imports nothing until one of them is typed."""

    tree: Tree
    path = ""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.tree.children(self.path))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.tree.children(self.path):
            return None
        return command_of(self.tree, f"{self.path} {cmd_name}".lstrip())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Raises UsageError with the nearest verbs for a word that is none."""
        known = self.tree.children(self.path)
        if args[0] in known or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from cluster.errors import Problem, UsageError
        from cluster.inventory.problems import nearest  # slow to import

        hint = meant(self.tree, args[0]) or nearest(args[0], known)
        raise UsageError(Problem(f"No such command '{args[0]}'.", ctx.command_path, hint))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Words out of the table, options from the command."""
        options = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return [*words_after(self.tree, self.path, incomplete), *options]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, rows in self.tree.listing(self.path).items():
            with formatter.section(title if not self.path else "Commands"):
                formatter.write_dl(list(rows.items()))


def words_after(tree: Tree, path: str, incomplete: str) -> list[Any]:
    """What a shell may put in place of `incomplete`."""
    from typer._click.shell_completion import CompletionItem

    words = tree.children(path).items()
    return [CompletionItem(word, help=what) for word, what in words if word.startswith(incomplete)]


def meant(tree: Tree, word: str) -> str:
    """A hint where the word ends a verb, as `start` does; empty where it ends none."""
    paths = [path for path in tree.verbs if path.split()[-1] == word]
    return (
        f"did you mean {' or '.join(f'`orchestrate {path}`' for path in paths)}?" if paths else ""
    )


def command_of(tree: Tree, path: str) -> Any:
    """The command of a verb, or of a group of verbs that may be a verb itself."""
    function = loaded(tree.verbs[path]) if path in tree.verbs else nothing
    if not tree.children(path):
        shell = typer.Typer(add_completion=False, rich_markup_mode=None)
        shell.command(path.split()[-1], context_settings=HELP)(function)
        return get_command(shell)
    return group_of(tree, path, function)


def group_of(tree: Tree, path: str, callback: Callable[..., None]) -> Any:
    """`callback` is the verb that runs when no word follows; without one the help is shown."""
    shell = typer.Typer(
        name=path.split()[-1] if path else None,
        cls=VerbGroup,
        help=None if path in tree.verbs else tree.summary_of(path),
        invoke_without_command=path in tree.verbs,
        no_args_is_help=path not in tree.verbs,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP,
    )
    shell.callback()(callback)
    group: Any = get_command(shell)
    group.tree, group.path = tree, path
    return group


def nothing() -> None:
    """A group alone does nothing."""


def loaded(verb: Verb) -> Any:
    module, _, name = verb.target.partition(":")
    return getattr(import_module(module), name)
