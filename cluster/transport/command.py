"""Command: argv and environment. The one place that quotes."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cluster.host.masking import MASK, argv_shown, shown

LINE_LENGTH = 100  # of a plan, before its indent


@dataclass(frozen=True)
class Command:
    """A program to run on a host, never as a string."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))

    def with_env(self, more: Mapping[str, str]) -> "Command":
        return Command(self.argv, {**self.env, **more})

    def __str__(self) -> str:
        """Shell text to read or to paste; values of secret variables are masked."""
        parts = (f"{key}={masked(key, value)}" for key, value in sorted(self.env.items()))
        return " ".join([*parts, shlex.join(argv_shown(self.argv))])

    def lines(self, *, without: Mapping[str, str] = {}) -> list[str]:
        """The same as text that a person can review: a variable or an option a line, to be pasted
        as it is. Variables that are as in `without` are left out.
        """
        own = {k: v for k, v in sorted(self.env.items()) if without.get(k) != v}
        parts = [f"{key}={masked(key, value)}" for key, value in own.items()]
        parts += [line for words in option_groups(argv_shown(self.argv)) for line in wrapped(words)]
        return [f"{part} \\" for part in parts[:-1]] + parts[-1:]


def option_groups(argv: tuple[str, ...]) -> list[list[str]]:
    """Each option with its values; what comes before the first one is a group of its own."""
    groups: list[list[str]] = [[]]
    for word in argv:
        if word.startswith("-") and not word.lstrip("-")[:1].isdigit():
            groups.append([])
        groups[-1].append(word)
    return [group for group in groups if group]


def wrapped(words: list[str]) -> list[str]:
    """A group on as many lines as it needs."""
    lines = [""]
    for word in map(shlex.quote, words):
        if lines[-1] and len(lines[-1]) + len(word) > LINE_LENGTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def masked(name: str, value: str) -> str:
    """An environment variable's value for display: quoted, or stars for a secret."""
    visible = shown(name, value)
    return visible if visible == MASK else shlex.quote(visible)


def shell_line(words: tuple[str, ...]) -> str:
    """The one string that sshd hands to the user's login shell."""
    return shlex.join(words)
