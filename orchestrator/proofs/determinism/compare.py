"""Answers that should be identical: how many distinct ones there are, where they diverge; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.api.reply import Place, Ranked, Reply
from orchestrator.records.divergence import Divergence, first_divergence

END = "(end)"
TEXT_SHOWN = 40  # characters of text from where two answers diverge


@dataclass(frozen=True)
class ComparedAnswer:
    """The answer to a compared request; `number` counts from 1 in the order of sending."""

    number: int
    condition: str
    reply: Reply


@dataclass(frozen=True)
class DistinctAnswer:
    """One answer; `requests` had it. Tokens are ids, or texts where the server gives no ids."""

    tokens: tuple[int | str, ...]
    text: str
    places: tuple[Place, ...]
    requests: tuple[int, ...]
    conditions: Mapping[str, int]


@dataclass(frozen=True)
class Side:
    """One of two answers where they diverge: its token, and the logprobs it gave to both tokens.

    A logprob is None where the server did not list it among the most likely ones.
    """

    token: int | str
    own: float | None
    others: float | None
    text: str

    @property
    def gap(self) -> float | None:
        """By how much its own token was more likely; 0 is a tie."""
        return None if self.own is None or self.others is None else self.own - self.others


@dataclass(frozen=True)
class AnswerDivergence:
    """The first place, counted from 0, where an answer has another token than the reference."""

    request: int
    condition: str
    position: int
    reference: Side
    here: Side


@dataclass(frozen=True)
class LogprobDrift:
    """The same tokens with other logprobs: in how many answers, and where first.

    `largest` is the largest difference of a logprob that both answers list.
    """

    answers: int
    largest: float
    request: int
    condition: str
    position: int


@dataclass(frozen=True)
class AnswerComparison:
    """Against the reference, the first answer."""

    answers: tuple[DistinctAnswer, ...] = ()
    token_sequences: int = 0
    divergences: tuple[AnswerDivergence, ...] = ()
    drift: LogprobDrift | None = None
    same_by_condition: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def tokens_of(reply: Reply) -> tuple[int | str, ...]:
    return reply.token_ids or tuple(place.chosen.token for place in reply.places)


def exact_logprobs(reply: Reply) -> tuple[tuple[Ranked, frozenset[Ranked]], ...]:
    """Every logprob that was listed, bit by bit; the order of ties does not count."""
    return tuple((place.chosen, frozenset(place.top)) for place in reply.places)


def compare_answers(answers: Sequence[ComparedAnswer]) -> AnswerComparison:
    """The first one is the reference; `answers` is not empty."""
    reference = answers[0].reply
    expected = tokens_of(reference)
    same = [each for each in answers if tokens_of(each.reply) == expected]
    other = [each for each in answers if tokens_of(each.reply) != expected]
    matching = count_conditions(same)
    return AnswerComparison(
        answers=distinct_answers(answers),
        token_sequences=len({tokens_of(each.reply) for each in answers}),
        divergences=tuple(divergences_from(reference, other)),
        drift=find_drift(reference, same),
        same_by_condition={
            each: (matching[each], total) for each, total in count_conditions(answers).items()
        },
    )


def count_conditions(answers: Iterable[ComparedAnswer]) -> Counter[str]:
    return Counter(each.condition for each in answers)


def distinct_answers(answers: Sequence[ComparedAnswer]) -> tuple[DistinctAnswer, ...]:
    """The most frequent first; answers whose logprobs differ are two."""
    found: dict[tuple[object, ...], list[ComparedAnswer]] = {}
    for each in answers:
        found.setdefault((tokens_of(each.reply), exact_logprobs(each.reply)), []).append(each)
    return tuple(
        DistinctAnswer(
            tokens_of(group[0].reply),
            group[0].reply.text,
            group[0].reply.places,
            tuple(each.number for each in group),
            dict(count_conditions(group)),
        )
        for group in sorted(found.values(), key=len, reverse=True)
    )


def divergences_from(
    reference: Reply, answers: Sequence[ComparedAnswer]
) -> Iterator[AnswerDivergence]:
    for each in answers:
        if found := first_divergence(tokens_of(reference), tokens_of(each.reply)):
            yield divergence_of(reference, each, found)


def divergence_of(reference: Reply, one: ComparedAnswer, found: Divergence) -> AnswerDivergence:
    return AnswerDivergence(
        one.number,
        one.condition,
        found.position,
        divergence_side(reference, one.reply, found.position),
        divergence_side(one.reply, reference, found.position),
    )


def divergence_side(own: Reply, other: Reply, position: int) -> Side:
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
        text=own.text[start : start + TEXT_SHOWN],
    )


def place_at(reply: Reply, position: int) -> Place | None:
    return reply.places[position] if position < len(reply.places) else None


def logprob_in(place: Place, token: str) -> float | None:
    return next((each.logprob for each in place.top if each.token == token), None)


def find_drift(reference: Reply, same: Sequence[ComparedAnswer]) -> LogprobDrift | None:
    """None when all logprobs, chosen and most likely ones, are bitwise equal."""
    expected = exact_logprobs(reference)
    other = [each for each in same if exact_logprobs(each.reply) != expected]
    if not other:
        return None
    first = other[0]
    found = exact_logprobs(first.reply)
    pairs = enumerate(zip(expected, found, strict=False))
    return LogprobDrift(
        answers=len(other),
        largest=max(largest_gap(reference, each.reply) for each in other),
        request=first.number,
        condition=first.condition,
        position=next((n for n, (a, b) in pairs if a != b), min(len(expected), len(found))),
    )


def largest_gap(one: Reply, two: Reply) -> float:
    pairs = zip(one.places, two.places, strict=False)
    return max((gap_at(*pair) for pair in pairs), default=0.0)


def gap_at(one: Place, two: Place) -> float:
    left, right = logprobs_at(one), logprobs_at(two)
    return max(abs(left[token] - right[token]) for token in left.keys() & right.keys())


def logprobs_at(place: Place) -> dict[str, float]:
    return {each.token: each.logprob for each in (*place.top, place.chosen)}
