"""The requests of a session, chunk by chunk, as values that anybody can send again; pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from orchestrator.api.request import Call, Message, chat

SEEDS = "seed + index"  # docs/decisions/0037-the-file-of-a-session.md
Messages = tuple[Message, ...]


@dataclass(frozen=True)
class SessionSettings:
    """What the user chooses. Every chunk has the limit `chunk_max_tokens`, the last one too."""

    target_tokens: int = 300_000
    chunk_max_tokens: int = 1024
    temperature: float = 0.7
    top_p: float = 0.95
    seed: int = 424_242
    concurrency: int = 1

    @property
    def is_reference(self) -> bool:
        """The reference procedure allows one request at a time."""
        return self.concurrency == 1


SETTING_NAMES = tuple(each.name for each in fields(SessionSettings))


@dataclass(frozen=True)
class Chunk:
    """One request of a session."""

    index: int
    seed: int
    messages: Messages


@dataclass(frozen=True)
class SampleSession:
    """The settings, and the prompts, used in turn."""

    settings: SessionSettings
    prompts: tuple[Messages, ...] = field(repr=False)

    def chunk(self, index: int) -> Chunk:
        messages = self.prompts[index % len(self.prompts)]
        return Chunk(index, self.settings.seed + index, messages)

    def call(self, model: str, chunk: Chunk) -> Call:
        """Wants token ids, and the logprobs of the chosen tokens only."""
        return chat(
            model,
            chunk.messages,
            max_tokens=self.settings.chunk_max_tokens,
            temperature=self.settings.temperature,
            top_p=self.settings.top_p,
            seed=chunk.seed,
        ).exact(top=0)

    @property
    def prompts_sha256(self) -> str:
        return sha256_of(self.prompts)


def sha256_of(prompts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(prompts, sort_keys=True).encode()).hexdigest()
