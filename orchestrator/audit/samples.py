"""Samples as an audit sees them: which session, which tokens, and how far two sessions agree; pure.

The format is that of `orchestrate sample`; a file of another format is kept as it is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

SCHEMA, FORMAT = "orchestrate-samples", 1
EFFORT = ("target_tokens", "concurrency")  # settings that do not change what is asked


class NotSamples(Exception):
    """What is wrong with the file."""


class Header(BaseModel):
    record: Literal["header"]
    settings: Mapping[str, Any]
    reference: bool
    prompts_sha256: str
    server: Mapping[str, Any] = {}


class Chunk(BaseModel):
    record: Literal["chunk"]
    index: Annotated[int, Field(ge=0)]
    token_ids: tuple[int, ...]


class Note(BaseModel):
    kind: str


@dataclass(frozen=True)
class Session:
    """A file of samples: what was asked, and the tokens of each answer."""

    header: Header
    chunks: tuple[tuple[int, ...], ...]
    disturbed: bool  # requests of others were in the server

    @property
    def reference(self) -> bool:
        return self.header.reference and not self.disturbed

    @property
    def asked(self) -> str:
        """The same for two sessions that ask the same."""
        settings = {k: v for k, v in self.header.settings.items() if k not in EFFORT}
        return json.dumps([settings, self.header.prompts_sha256], sort_keys=True)

    @property
    def tokens(self) -> int:
        return sum(map(len, self.chunks))


@dataclass(frozen=True)
class Agreement:
    """Of the chunks that both have: leading tokens that are the same, and all; first difference."""

    same: int
    tokens: int
    chunks: int
    first: str = ""

    @property
    def whole(self) -> bool:
        return self.same == self.tokens

    def __str__(self) -> str:
        share = 100 * self.same / self.tokens if self.tokens else 100.0
        shown = "100" if self.whole else f"{min(share, 99.99):.2f}"
        said = f"{shown} % of {self.tokens:,} tokens in {self.chunks:,} chunks are the same"
        return f"{said}; {self.first}" if self.first else said


def read_session(content: bytes) -> Session:
    """Raises NotSamples. A last line without its end is what a killed run left: it is not read."""
    lines = content.split(b"\n")[:-1]
    header = header_of(lines[0] if lines else b"")
    chunks: list[tuple[int, ...]] = []
    kinds = set()
    for number, line in enumerate(lines[1:], 2):
        record = record_of(line, number)
        if isinstance(record, Note):
            kinds.add(record.kind)
        elif record.index != len(chunks):
            raise NotSamples(f"line {number}: chunk {record.index} where {len(chunks)} is due")
        else:
            chunks.append(record.token_ids)
    return Session(header, tuple(chunks), "others" in kinds)


def header_of(line: bytes) -> Header:
    try:
        value = json.loads(line)
        if (value["schema"], value["format"]) != (SCHEMA, FORMAT):
            raise ValueError
        return Header.model_validate(value)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotSamples("its first line is no header of `orchestrate sample`") from None


def record_of(line: bytes, number: int) -> Chunk | Note:
    try:
        value = json.loads(line)
        is_note = value["record"] == "note"
        return Note.model_validate(value) if is_note else Chunk.model_validate(value)
    except (ValueError, ValidationError, KeyError, TypeError, RecursionError):
        raise NotSamples(f"line {number} is damaged") from None


def agreement(one: Session, other: Session) -> Agreement:
    """After the first token that differs an answer goes its own way: only the lead counts."""
    pairs = list(zip(one.chunks, other.chunks, strict=False))
    leads = [lead(*pair) for pair in pairs]
    lengths = [max(map(len, pair)) for pair in pairs]
    first = next(differences(pairs, leads), "")
    return Agreement(sum(leads), sum(lengths), len(pairs), first)


def lead(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def differences(
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]], leads: list[int]
) -> Iterator[str]:
    for index, ((one, other), at) in enumerate(zip(pairs, leads, strict=True)):
        if at < max(len(one), len(other)):
            a, b = (each[at] if at < len(each) else "the end" for each in (one, other))
            yield f"the first difference is in chunk {index} at token {at}: {a} and {b}"
