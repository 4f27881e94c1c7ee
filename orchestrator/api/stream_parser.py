"""Puts an answer together, whole or chunk by chunk; knows no connection, the clock is passed in."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from orchestrator.api.reply import Failure, Kind, Place, Ranked, Reply, Timing, ToolCall, Usage

Json = Mapping[str, Any]


class Collector:
    """`started` is the time of day, `begun` the same moment on the clock that `now` is read from.

    Raises KeyError, TypeError, ValueError, IndexError or AttributeError for what is no answer.
    """

    def __init__(self, started: float, begun: float) -> None:
        self._started, self._begun = started, begun
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tools: dict[int, list[str]] = {}
        self._token_ids: list[int] = []
        self._prompt_token_ids: tuple[int, ...] = ()
        self._places: list[Place] = []
        self._usage = Usage()
        self._model = ""
        self._arrivals: list[float] = []
        self.finish_reason: str | None = None

    def whole(self, answer: Json) -> None:
        """All of an answer that does not stream."""
        choice = answer["choices"][0]
        self._take(answer, choice, choice.get("message") or choice)

    def chunk(self, part: Json, now: float) -> str:
        """One event of a stream; the text that it adds."""
        if not part.get("choices"):
            self._frame(part)
            return ""
        choice = part["choices"][0]
        before = len(self._token_ids), len(self._text), len(self._reasoning), len(self._tools)
        self._take(part, choice, choice.get("delta") or choice)
        after = len(self._token_ids), len(self._text), len(self._reasoning), len(self._tools)
        if before != after or is_held_back(choice):
            self._arrivals.append(now - self._begun)
        return "".join(self._text[before[1] :])

    def _take(self, answer: Json, choice: Json, said: Json) -> None:
        self._frame(answer)
        if text := said.get("content") or said.get("text"):
            self._text.append(text)
        if reasoning := said.get("reasoning") or said.get("reasoning_content"):
            self._reasoning.append(reasoning)
        for position, call in enumerate(said.get("tool_calls") or ()):
            self._tool(call.get("index", position), call)
        if ids := choice.get("token_ids"):
            self._token_ids += ids
        if ids := answer.get("prompt_token_ids") or choice.get("prompt_token_ids"):
            self._prompt_token_ids = tuple(ids)
        if logprobs := choice.get("logprobs"):
            self._places += places_of(logprobs)
        self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def _frame(self, answer: Json) -> None:
        self._model = answer.get("model") or self._model
        if usage := answer.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                usage["prompt_tokens"],
                usage.get("completion_tokens") or 0,
                details.get("cached_tokens") or 0,
            )

    def _tool(self, index: int, part: Json) -> None:
        made = self._tools.setdefault(index, ["", "", ""])
        function = part.get("function") or {}
        made[0] = part.get("id") or made[0]
        made[1] = function.get("name") or made[1]
        made[2] += function.get("arguments") or ""

    @property
    def has_begun(self) -> bool:
        return bool(self._arrivals or self._text)

    def timing(self, now: float) -> Timing:
        times = self._arrivals
        gaps = tuple(later - sooner for sooner, later in pairwise(times))
        return Timing(self._started, now - self._begun, times[0] if times else None, gaps)

    def reply(self, now: float) -> Reply:
        return Reply(
            text="".join(self._text),
            finish_reason=self.finish_reason,
            usage=self._usage,
            timing=self.timing(now),
            reasoning="".join(self._reasoning),
            tool_calls=tuple(ToolCall(*self._tools[index]) for index in sorted(self._tools)),
            token_ids=tuple(self._token_ids),
            prompt_token_ids=self._prompt_token_ids,
            places=tuple(self._places),
            model=self._model,
        )

    def failure(self, kind: Kind, what: str, now: float) -> Failure:
        partial = self.reply(now) if self.has_begun else None
        return Failure(kind, what, self.timing(now), partial=partial)


def is_held_back(choice: Json) -> bool:
    """A token came whose text does not show yet: the first bytes of a character. Not the role
    that opens a chat, nor the end.
    """
    said = choice.get("delta", choice)
    text = said.get("content", said.get("text"))
    return text == "" and "role" not in said and not choice.get("finish_reason")


def places_of(logprobs: Json) -> Iterator[Place]:
    """Both shapes: a list of objects for chat, parallel lists for completions."""
    if "content" in logprobs:
        for each in logprobs["content"] or ():
            yield Place(ranked(each), tuple(map(ranked, each.get("top_logprobs") or ())))
        return
    tokens, values = logprobs["tokens"], logprobs["token_logprobs"]
    tops = logprobs.get("top_logprobs") or [None] * len(tokens)
    for token, value, best in zip(tokens, values, tops, strict=True):
        top = sorted((best or {}).items(), key=lambda pair: -pair[1])
        yield Place(Ranked(token, value), tuple(Ranked(*pair) for pair in top))


def ranked(one: Json) -> Ranked:
    return Ranked(one["token"], one["logprob"])
