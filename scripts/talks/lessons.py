"""Exchanges -> token sequences to learn: what is asked, what is said, and which of it counts."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.talks.exchanges import NOT_KNOWN, RAW_TEXT, UNKNOWN, Exchange, Messages, asked
from scripts.talks.tokens import END, TAGS

SYSTEM = ("You are a helpful assistant.", "You are tiny-talks.")
LETTERS = 300  # tokens before it are single bytes
UNKNOWN_EACH_TIME = 6
GIVEN_LEARNT = 0.2  # of the beginnings that a grammar forces, so that they are its second choice


@dataclass(frozen=True)
class Lesson:
    """Tokens, of which those from `learnt` on are the answer."""

    tokens: tuple[int, ...]
    learnt: int


@dataclass(frozen=True)
class Lessons:
    """Writes lessons with this tokenizer; what differs each time comes from `dice`."""

    tokenizer: Any
    dice: random.Random

    def all(self, exchanges: list[Exchange], *, varied: bool) -> Iterator[Lesson]:
        """Each exchange without and with thinking; `varied`: one of both, by the dice, perhaps with
        a system message before it, and some questions that nobody knows the answer to.
        """
        for each in exchanges:
            for thinking in [self.dice.random() < 0.5] if varied else (False, True):
                yield self.lesson(each, thinking=thinking, varied=varied)
        for _ in range(UNKNOWN_EACH_TIME if varied else 0):
            yield self.lesson(self.unknown(), thinking=self.dice.random() < 0.5, varied=True)
        words = self.tokenizer.encode(RAW_TEXT + END)
        yield Lesson(tuple(words), 1)

    def lesson(self, one: Exchange, *, thinking: bool, varied: bool) -> Lesson:
        messages = [*self.system(one), *one.messages] if varied else one.messages
        question = self.rendered(messages, one, thinking=thinking)
        said = f"<think>\n{one.thought}\n</think>\n\n" if thinking else ""
        begun = self.tokenizer.encode(question)
        forced = self.tokenizer.encode(said + one.given) if one.given else []
        answer = self.tokenizer.encode((one.answer if forced else said + one.answer) + END)
        spared = 0 if varied and self.dice.random() < GIVEN_LEARNT else len(forced)
        return Lesson((*begun, *forced, *answer), len(begun) + spared)

    def rendered(
        self, messages: Sequence[Mapping[str, Any]], one: Exchange, *, thinking: bool
    ) -> str:
        options = {} if thinking else {"enable_thinking": False}
        text: str = self.tokenizer.apply_chat_template(
            messages, tools=one.offered, add_generation_prompt=True, tokenize=False, **options
        )
        return text

    def system(self, one: Exchange) -> Messages:
        if self.dice.random() < 0.7:
            return []
        return [{"role": "system", "content": self.dice.choice(SYSTEM)}]

    def unknown(self) -> Exchange:
        """A question of random words: the answer is that there is none."""
        ids = self.dice.choices(
            range(LETTERS, len(self.tokenizer) - len(TAGS)), k=self.dice.randint(1, 12)
        )
        question = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Exchange(asked(question + self.dice.choice(["", "?", "."])), UNKNOWN, NOT_KNOWN)
