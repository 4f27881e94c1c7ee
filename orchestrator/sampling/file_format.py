"""samples.jsonl: a header, then a line for each chunk, in order; notes in between.

The format is described in docs/sample.md. The parser takes untrusted files: audits read them too.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.inventory.problems import first_fault
from orchestrator.api.reply import Reply
from orchestrator.sampling.session import (
    SEEDS,
    SETTING_NAMES,
    Chunk,
    SampleSession,
    SessionSettings,
)

SAMPLES_SCHEMA, SAMPLES_FORMAT = "orchestrate-samples", 1
SampleLine = Mapping[str, Any]
NoteKind = Literal[
    "resumed",  # the run before this one ended early
    "sent again",  # a request failed and the same was sent once more
    "others",  # the server had requests of others
    "unseen",  # the server does not show who else uses it
]


class LineModel(BaseModel):
    """The parts of a line that every reader relies on; a line may hold more."""

    model_config = ConfigDict(strict=True)


class RecordedSettings(LineModel):
    target_tokens: int
    chunk_max_tokens: int
    temperature: float
    top_p: float
    seed: int
    concurrency: int


class HeaderRecord(LineModel):
    record: Literal["header"]
    started: str
    settings: RecordedSettings
    reference: bool
    prompts_from: str
    prompts_sha256: str
    prompts: list[list[dict[str, Any]]]
    server: dict[str, Any]


class TimingRecord(LineModel):
    started: float
    total_s: float


class ChunkRecord(LineModel):
    record: Literal["chunk"]
    index: Annotated[int, Field(ge=0)]
    seed: int
    messages: list[dict[str, Any]]
    finish_reason: str | None
    token_ids: list[int]
    logprobs: list[float]
    timing: TimingRecord


class NoteRecord(LineModel):
    record: Literal["note"]
    kind: str
    what: str


R = TypeVar("R", bound=LineModel)


@dataclass(frozen=True)
class Samples:
    """What a file holds. `whole` bytes are complete lines; `torn` bytes follow them."""

    header: SampleLine
    chunks: tuple[SampleLine, ...]
    notes: tuple[SampleLine, ...]
    whole: int
    torn: int

    @property
    def disturbed(self) -> bool:
        """Whether others used the server meanwhile."""
        return any(note["kind"] == "others" for note in self.notes)

    @property
    def size(self) -> str:
        return f"{self.tokens:,} tokens in {len(self.chunks):,} chunks"

    @property
    def tokens(self) -> int:
        return sum(len(chunk["token_ids"]) for chunk in self.chunks)

    @property
    def session(self) -> SampleSession:
        settings = SessionSettings(**{key: self.header["settings"][key] for key in SETTING_NAMES})
        return SampleSession(settings, tuple(map(tuple, self.header["prompts"])))


def header_line(
    session: SampleSession, prompts_from: str, server: SampleLine, started: str
) -> SampleLine:
    """All that is needed to repeat the session; `server` is what `identity_of` returned."""
    return {
        "record": "header",
        "schema": SAMPLES_SCHEMA,
        "format": SAMPLES_FORMAT,
        "started": started,
        "settings": {key: getattr(session.settings, key) for key in SETTING_NAMES},
        "reference": session.settings.is_reference,
        "seeds": SEEDS,
        "prompts_from": prompts_from,
        "prompts_sha256": session.prompts_sha256,
        "prompts": [list(each) for each in session.prompts],
        "server": server,
    }


def chunk_line(chunk: Chunk, reply: Reply, attempts: int) -> SampleLine:
    """Only `timing` may change when the chunk is sent again."""
    line = {
        "record": "chunk",
        "index": chunk.index,
        "seed": chunk.seed,
        "messages": list(chunk.messages),
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "token_ids": token_ids_of(reply),
        "logprobs": [place.chosen.logprob for place in reply.places],
        "prompt_token_ids": list(reply.prompt_token_ids),
        "usage": {"prompt": reply.usage.prompt, "completion": reply.usage.completion},
    }
    if reply.reasoning:
        line["reasoning"] = reply.reasoning
    timing = {"started": reply.timing.started, "total_s": reply.timing.total_s}
    return {**line, "timing": {**timing, "attempts": attempts, "cached": reply.usage.cached}}


def note_line(kind: NoteKind, what: str, chunk: int) -> SampleLine:
    """Something that a reader should know; `chunk` is the one to be written next."""
    return {"record": "note", "kind": kind, "what": what, "chunk": chunk, "time": time.time()}


def token_ids_of(reply: Reply) -> list[int]:
    """Servers older than return_token_ids give the ids among the logprobs."""
    named = [place.chosen.id for place in reply.places]
    return list(reply.token_ids) or [each for each in named if each is not None]


def read_samples(path: Path) -> Samples:
    """Raises UsageError for any other file, OrchestrateError for a damaged one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None
    return parse_samples(content, str(path))


def require_chunks(samples: Samples, where: str) -> None:
    """Raises UsageError for a session that ended before its first answer."""
    if not samples.chunks:
        hint = f"orchestrate sample --resume {where}"
        raise UsageError(Problem("holds no chunks", where, hint))


def parse_samples(content: bytes, where: str) -> Samples:
    """A last line without its end is torn: a run was killed while it wrote.

    Raises UsageError for any other file, OrchestrateError for a damaged one.
    """
    *lines, rest = content.split(b"\n")
    header = parse_header(lines, where)
    chunks: list[SampleLine] = []
    notes: list[SampleLine] = []
    for number, line in enumerate(lines[1:], 2):
        place = f"{where}, line {number}"
        value = json_object(line, place)
        if value.get("record") == "chunk":
            index = require_record(ChunkRecord, value, place).index
            if index != len(chunks):
                raise damaged_samples(place, f"chunk {index} where chunk {len(chunks)} should be")
            chunks.append(value)
        elif value.get("record") == "note":
            require_record(NoteRecord, value, place)
            notes.append(value)
    return Samples(header, tuple(chunks), tuple(notes), len(content) - len(rest), len(rest))


def parse_header(lines: Sequence[bytes], where: str) -> SampleLine:
    hint = "start a new session: orchestrate sample"
    if not lines:
        raise UsageError(Problem("is empty, or has no whole line", where, hint))
    header = json_object(lines[0], f"{where}, line 1")
    if header.get("schema") != SAMPLES_SCHEMA:
        raise UsageError(Problem("holds no samples", where, hint))
    if header.get("format") != SAMPLES_FORMAT:
        what = f"format {header.get('format')}; this version knows format {SAMPLES_FORMAT}"
        raise UsageError(Problem(what, where, "another version of orchestrate wrote it"))
    require_record(HeaderRecord, header, f"{where}, line 1")
    return header


def json_object(line: bytes, where: str) -> SampleLine:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise damaged_samples(where, "not a JSON object")
    return value


def require_record(kind: type[R], value: SampleLine, where: str) -> R:
    """Raises OrchestrateError where a part is missing or of another type."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise damaged_samples(where, first_fault(error)) from None


def damaged_samples(where: str, what: str) -> OrchestrateError:
    hint = "the file was changed after it was written: use a copy, or start a new session"
    return OrchestrateError(Problem(f"damaged: {what}", where, hint))
