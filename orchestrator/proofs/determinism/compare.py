"""Answers that should be one and the same: how many there are, and where they part; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.api.reply import Place, Ranked, Reply

END = "(end)"
SHOWN = 40  # characters of the text from where two answers part


@dataclass(frozen=True)
class Asked:
    """One of the compared requests, numbered from 1 in the order of sending."""

    number: int
    way: str
    reply: Reply


@dataclass(frozen=True)
class Distinct:
    """One answer; `requests` had it. Tokens are ids, or texts where the server gives no ids."""

    tokens: tuple[int | str, ...]
    text: str
    places: tuple[Place, ...]
    requests: tuple[int, ...]
    ways: Mapping[str, int]


@dataclass(frozen=True)
class Side:
    """What one of two answers has at the place: its token, its logprob and that of the other's.

    A logprob is None where the server did not name it among the most likely ones.
    """

    token: int | str
    own: float | None
    others: float | None
    text: str

    @property
    def gap(self) -> float | None:
        """How much likelier its own token was; 0 is a tie."""
        return None if self.own is None or self.others is None else self.own - self.others


@dataclass(frozen=True)
class Parting:
    """The first place, counted from 0, where an answer has another token than the reference."""

    request: int
    way: str
    position: int
    reference: Side
    here: Side


@dataclass(frozen=True)
class Drift:
    """The same tokens with other logprobs: in how many answers, and the first place of them.

    `largest` is the largest difference of a logprob that both answers name.
    """

    answers: int
    largest: float
    request: int
    way: str
    position: int


@dataclass(frozen=True)
class Comparison:
    """Against the reference, the first answer."""

    answers: tuple[Distinct, ...] = ()
    token_sequences: int = 0
    partings: tuple[Parting, ...] = ()
    drift: Drift | None = None
    same_by_way: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def tokens_of(reply: Reply) -> tuple[int | str, ...]:
    return reply.token_ids or tuple(place.chosen.token for place in reply.places)


def exactly(reply: Reply) -> tuple[tuple[Ranked, frozenset[Ranked]], ...]:
    """Every logprob that was named, bit by bit; the order of ties says nothing."""
    return tuple((place.chosen, frozenset(place.top)) for place in reply.places)


def compared(asked: Sequence[Asked]) -> Comparison:
    """The first one is the reference; `asked` is not empty."""
    reference = asked[0].reply
    meant = tokens_of(reference)
    same = [each for each in asked if tokens_of(each.reply) == meant]
    other = [each for each in asked if tokens_of(each.reply) != meant]
    ways = dict.fromkeys(each.way for each in asked)
    return Comparison(
        answers=distinct(asked),
        token_sequences=len({tokens_of(each.reply) for each in asked}),
        partings=tuple(parting(reference, each) for each in other),
        drift=drift(reference, same),
        same_by_way={
            way: (sum(each.way == way for each in same), sum(each.way == way for each in asked))
            for way in ways
        },
    )


def distinct(asked: Sequence[Asked]) -> tuple[Distinct, ...]:
    """The most frequent first; answers whose logprobs differ are two."""
    found: dict[tuple[object, ...], list[Asked]] = {}
    for each in asked:
        found.setdefault((tokens_of(each.reply), exactly(each.reply)), []).append(each)
    return tuple(
        Distinct(
            tokens_of(group[0].reply),
            group[0].reply.text,
            group[0].reply.places,
            tuple(each.number for each in group),
            {way: sum(e.way == way for e in group) for way in dict.fromkeys(e.way for e in group)},
        )
        for group in sorted(found.values(), key=len, reverse=True)
    )


def parting(reference: Reply, asked: Asked) -> Parting:
    """Where two answers with different tokens part."""
    left, right = tokens_of(reference), tokens_of(asked.reply)
    pairs = zip(left, right, strict=False)
    shared = min(len(left), len(right))
    position = next((n for n, (one, two) in enumerate(pairs) if one != two), shared)
    return Parting(
        asked.number,
        asked.way,
        position,
        side(reference, asked.reply, position),
        side(asked.reply, reference, position),
    )


def side(own: Reply, other: Reply, position: int) -> Side:
    mine, others = place_at(own, position), place_at(other, position)
    tokens = tokens_of(own)
    start = next(
        (n for n, (a, b) in enumerate(zip(own.text, other.text, strict=False)) if a != b),
        min(len(own.text), len(other.text)),
    )
    return Side(
        token=tokens[position] if position < len(tokens) else END,
        own=mine.chosen.logprob if mine else None,
        others=logprob_in(mine, others.chosen.token) if mine and others else None,
        text=own.text[start : start + SHOWN],
    )


def place_at(reply: Reply, position: int) -> Place | None:
    return reply.places[position] if position < len(reply.places) else None


def logprob_in(place: Place, token: str) -> float | None:
    return next((each.logprob for each in place.top if each.token == token), None)


def drift(reference: Reply, same: Sequence[Asked]) -> Drift | None:
    """None when all logprobs, chosen and most likely ones, are bitwise equal."""
    meant = exactly(reference)
    other = [each for each in same if exactly(each.reply) != meant]
    if not other:
        return None
    first = other[0]
    found = exactly(first.reply)
    pairs = enumerate(zip(meant, found, strict=False))
    return Drift(
        answers=len(other),
        largest=max(largest_gap(reference, each.reply) for each in other),
        request=first.number,
        way=first.way,
        position=next((n for n, (a, b) in pairs if a != b), min(len(meant), len(found))),
    )


def largest_gap(one: Reply, two: Reply) -> float:
    pairs = zip(one.places, two.places, strict=False)
    return max((gap_at(*pair) for pair in pairs), default=0.0)


def gap_at(one: Place, two: Place) -> float:
    left, right = named(one), named(two)
    return max(abs(left[token] - right[token]) for token in left.keys() & right.keys())


def named(place: Place) -> dict[str, float]:
    return {each.token: each.logprob for each in (*place.top, place.chosen)}
