"""The first place where the tokens of two answers differ; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

Token = int | str


@dataclass(frozen=True)
class Divergence:
    """`position` counts from 0; a token is None where that answer had ended by then.

    After it each answer follows its own text, so only the tokens before it can be compared.
    """

    position: int
    first: Token | None
    second: Token | None


def first_divergence(first: Sequence[Token], second: Sequence[Token]) -> Divergence | None:
    """None where the tokens are the same."""
    shortest = min(len(first), len(second))
    position = next((n for n in range(shortest) if first[n] != second[n]), shortest)
    if position == len(first) == len(second):
        return None
    one, other = (each[position] if position < len(each) else None for each in (first, second))
    return Divergence(position, one, other)


def matching_tokens(first: Sequence[Token], second: Sequence[Token]) -> int:
    """How many tokens at the beginning are the same."""
    found = first_divergence(first, second)
    return found.position if found else len(first)
