"""Logprobs of both shapes: a list of objects for chat, parallel lists for completions; pure."""

from orchestrator.api.fields import Json, NotAnAnswer
from orchestrator.api.reply import Place, Ranked


def places_of(logprobs: Json) -> list[Place]:
    """Raises NotAnAnswer for any other shape."""
    try:
        return read_places(logprobs)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        what = "`logprobs` has the shape of neither chat nor completions"
        raise NotAnAnswer(what) from None


def read_places(logprobs: Json) -> list[Place]:
    if "content" in logprobs:
        return [
            Place(ranked(each), tuple(map(ranked, each.get("top_logprobs") or ())))
            for each in logprobs["content"] or ()
        ]
    tokens, values = logprobs["tokens"], logprobs["token_logprobs"]
    tops = logprobs.get("top_logprobs") or [None] * len(tokens)
    return [
        Place(ranked_pair(token, value), ordered(best or {}))
        for token, value, best in zip(tokens, values, tops, strict=True)
    ]


def ordered(best: Json) -> tuple[Ranked, ...]:
    return tuple(sorted((ranked_pair(*pair) for pair in best.items()), key=lambda r: -r.logprob))


def ranked(one: Json) -> Ranked:
    return ranked_pair(one["token"], one["logprob"])


def ranked_pair(token: object, logprob: object) -> Ranked:
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        raise TypeError
    return Ranked(token, float(logprob))
