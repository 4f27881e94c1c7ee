"""Samples as an audit sees them: which session, and how far two sessions agree; pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.records.divergence import first_divergence, matching_tokens
from orchestrator.sampling.file_format import Samples

EFFORT = ("target_tokens", "concurrency")  # settings that change no request


def is_reference(samples: Samples) -> bool:
    """One request at a time, and nobody else used the server."""
    return bool(samples.header["reference"]) and not samples.disturbed


def session_key(samples: Samples) -> str:
    """The same for two sessions that send the same requests."""
    settings = {k: v for k, v in samples.header["settings"].items() if k not in EFFORT}
    return json.dumps([settings, samples.header["prompts_sha256"]], sort_keys=True)


@dataclass(frozen=True)
class Agreement:
    """Of the chunks that both have: tokens before each chunk's first difference, and all tokens.

    `first` describes the first difference.
    """

    same: int
    tokens: int
    chunks: int
    first: str = ""

    @property
    def whole(self) -> bool:
        return self.same == self.tokens

    def __str__(self) -> str:
        share = 100 * self.same / self.tokens if self.tokens else 100.0
        percent = "100" if self.whole else f"{min(share, 99.99):.2f}"
        text = f"{percent} % of {self.tokens:,} tokens in {self.chunks:,} chunks are the same"
        return f"{text}; {self.first}" if self.first else text


TokenIds = list[int]


def agreement(one: Samples, other: Samples) -> Agreement:
    pairs: list[tuple[TokenIds, TokenIds]] = [
        (a["token_ids"], b["token_ids"]) for a, b in zip(one.chunks, other.chunks, strict=False)
    ]
    same = sum(matching_tokens(a, b) for a, b in pairs)
    total = sum(max(len(a), len(b)) for a, b in pairs)
    return Agreement(same, total, len(pairs), next(chunk_divergences(pairs), ""))


def chunk_divergences(pairs: list[tuple[TokenIds, TokenIds]]) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        if found := first_divergence(*pair):
            a, b = ("the end" if each is None else each for each in (found.first, found.second))
            where = f"in chunk {index} at token {found.position}"
            yield f"the first difference is {where}: {a} and {b}"
