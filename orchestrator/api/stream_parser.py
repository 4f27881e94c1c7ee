"""Puts an answer together, whole or chunk by chunk; knows no connection, the clock is passed in."""

from itertools import pairwise
from typing import Any

from orchestrator.api.fields import (
    MOST_TOKENS,
    Json,
    NotAnAnswer,
    list_in,
    object_in,
    text_and_thoughts,
    token_count,
    word_in,
)
from orchestrator.api.logprobs import places_of
from orchestrator.api.reply import Failure, Kind, Piece, Place, Reply, Timing, Usage
from orchestrator.api.tool_parts import ToolParts

BAD_IDS = "`token_ids` are no list of numbers"


class Collector:
    """`started` is the time of day, `begun` the same moment on the clock that `now` is read from.

    Raises NotAnAnswer for what cannot be read, and says what it is.
    """

    def __init__(self, started: float, begun: float) -> None:
        self._started, self._begun = started, begun
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._tools = ToolParts()
        self._token_ids: list[int] = []
        self._prompt_token_ids: tuple[int, ...] = ()
        self._places: list[Place] = []
        self._usage = Usage()
        self._model = ""
        self._arrivals: list[float] = []
        self._faults: dict[str, None] = {}
        self.finish_reason: str | None = None

    def whole(self, answer: object) -> None:
        """All of an answer that does not stream."""
        record = object_in(answer, "the answer")
        choice = first_choice(record)
        if choice is None:
            raise NotAnAnswer("it has no `choices`")
        self._take(record, choice, said_in(choice, "message"), streamed=False)

    def chunk(self, part: object, now: float) -> Piece:
        """One event of a stream; what it adds."""
        record = object_in(part, "the event")
        choice = first_choice(record)
        if choice is None:
            self._frame(record)
            return Piece("")
        before = self._progress()
        said = said_in(choice, "delta")
        if said is choice.get("message") and any(before):
            said = {}  # the whole answer once more, after its parts
        self._take(record, choice, said, streamed=True)
        if before != self._progress() or is_held_back(choice, said):
            self._arrivals.append(now - self._begun)
        texts, thoughts = before[:2]
        return Piece("".join(self._text[texts:]), "".join(self._reasoning[thoughts:]))

    def _progress(self) -> tuple[int, ...]:
        """How much has come so far; texts and thoughts first."""
        counts = len(self._text), len(self._reasoning), len(self._refusal)
        return (*counts, len(self._token_ids), self._tools.count)

    def _take(self, answer: Json, choice: Json, said: Json, *, streamed: bool) -> None:
        self._frame(answer)
        text, thoughts = text_and_thoughts(said, "content")
        if text := text or text_and_thoughts(said, "text")[0]:
            self._text.append(text)
        for name in ("reasoning", "reasoning_content"):  # some servers send both, with one text
            thoughts = thoughts or "".join(text_and_thoughts(said, name))
        if thoughts:
            self._reasoning.append(thoughts)
        if refusal := word_in(said, "refusal"):
            self._refusal.append(refusal)
        self._tools.add(said, streamed=streamed)
        self._token_ids += self._ids(choice.get("token_ids"))
        if ids := answer.get("prompt_token_ids") or choice.get("prompt_token_ids"):
            self._prompt_token_ids = tuple(self._ids(ids))
        if logprobs := choice.get("logprobs"):
            try:
                self._places += places_of(logprobs)
            except NotAnAnswer as error:
                self._faults[str(error)] = None
        self._count(choice)
        self.finish_reason = word_in(choice, "finish_reason") or self.finish_reason

    def _frame(self, answer: Json) -> None:
        self._model = word_in(answer, "model") or self._model
        self._count(answer)

    def _count(self, record: Json) -> None:
        """The usage of an answer; some servers put it beside the last delta."""
        usage = record.get("usage")
        if not isinstance(usage, dict):
            return
        details = usage.get("prompt_tokens_details")
        cached = token_count(details, "cached_tokens") if isinstance(details, dict) else 0
        prompt, made = token_count(usage, "prompt_tokens"), token_count(usage, "completion_tokens")
        found = Usage(prompt, made, cached)
        self._usage = found if found.is_known else self._usage

    def _ids(self, value: object) -> list[int]:
        if not value:
            return []
        ids = [each for each in value if type(each) is int] if isinstance(value, list) else []
        if not isinstance(value, list) or len(ids) < len(value) or max(ids) > MOST_TOKENS:
            self._faults[BAD_IDS] = None
            return []
        return ids

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
            tool_calls=self._tools.calls(),
            token_ids=tuple(self._token_ids),
            prompt_token_ids=self._prompt_token_ids,
            places=tuple(self._places),
            model=self._model,
            refusal="".join(self._refusal),
            faults=(*self._faults, *self._tools.all_faults()),
        )

    def failure(self, kind: Kind, what: str, now: float) -> Failure:
        partial = self.reply(now) if self.has_begun else None
        return Failure(kind, what, self.timing(now), partial=partial)


def first_choice(answer: Json) -> Json | None:
    """None where there is none, as in the event that has the usage. Raises NotAnAnswer."""
    choices = list_in(answer, "choices")
    return object_in(choices[0], "a choice") if choices else None


def said_in(choice: Json, name: str) -> Json:
    """What a choice says: a message, a delta, or the choice itself in a completion."""
    for each in (name, "delta", "message"):
        said = choice.get(each)
        if said is not None:
            return object_in(said, f"`{each}`")
    return choice


def is_held_back(choice: Json, said: Json) -> bool:
    """A token came whose text does not show yet: the first bytes of a character. Not the role
    that opens a chat, nor the end.
    """
    text: Any = said.get("content", said.get("text"))
    return text == "" and "role" not in said and not choice.get("finish_reason")
