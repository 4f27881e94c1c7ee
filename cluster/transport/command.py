"""Command: words and environment. The one place that quotes."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SECRET_SIGNS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


@dataclass(frozen=True)
class Command:
    """A program to run on a host, as words, never as a string."""

    words: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))

    def with_env(self, more: Mapping[str, str]) -> "Command":
        return Command(self.words, {**self.env, **more})

    def __str__(self) -> str:
        """Shell text to read or to paste; values of secret variables are masked."""
        shown = (f"{key}={masked(key, value)}" for key, value in sorted(self.env.items()))
        return " ".join([*shown, shlex.join(self.words)])


def masked(name: str, value: str) -> str:
    """The value for display: quoted, or stars when the variable's name says it is a secret."""
    return "****" if is_secret(name) else shlex.quote(value)


def is_secret(name: str) -> bool:
    return any(sign in name.upper().split("_") for sign in SECRET_SIGNS)


def shell_line(words: tuple[str, ...]) -> str:
    """The one string that sshd hands to the user's login shell."""
    return shlex.join(words)
