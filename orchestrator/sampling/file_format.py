"""samples.jsonl: a header, then a line for each chunk, in order; notes in between. Read and judged.

The format is described in docs/sample.md.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cluster.errors import OrchestrateError, Problem, UsageError
from orchestrator.api.reply import Reply
from orchestrator.sampling.session import KEYS, SEEDS, Chunk, Session, Settings

SCHEMA, FORMAT = "orchestrate-samples", 1
Line = Mapping[str, Any]
NoteKind = Literal[
    "resumed",  # the run before this one ended early
    "sent again",  # a request failed and the same was sent once more
    "others",  # other requests were in the server
    "unseen",  # who else used the server cannot be seen
]
CHUNK_KEYS = {"seed", "messages", "finish_reason", "token_ids", "logprobs", "timing"}


@dataclass(frozen=True)
class Samples:
    """What a file holds. `whole` bytes are complete lines; `torn` bytes follow them."""

    header: Line
    chunks: tuple[Line, ...]
    notes: tuple[Line, ...]
    whole: int
    torn: int

    @property
    def tokens(self) -> int:
        return sum(len(chunk["token_ids"]) for chunk in self.chunks)

    @property
    def session(self) -> Session:
        settings = Settings(**{key: self.header["settings"][key] for key in KEYS})
        return Session(settings, tuple(map(tuple, self.header["prompts"])))


def header_of(session: Session, prompts_from: str, server: Line, started: str) -> Line:
    """All that repeating needs; `server` is what `seen_of` saw, `started` the time as text."""
    return {
        "record": "header",
        "schema": SCHEMA,
        "format": FORMAT,
        "started": started,
        "settings": {key: getattr(session.settings, key) for key in KEYS},
        "reference": session.settings.is_reference,
        "seeds": SEEDS,
        "prompts_from": prompts_from,
        "prompts_sha256": session.prompts_sha256,
        "prompts": [list(each) for each in session.prompts],
        "server": server,
    }


def line_of(chunk: Chunk, reply: Reply, attempts: int) -> Line:
    """All but `timing` is the same when the chunk is asked for again."""
    line = {
        "record": "chunk",
        "index": chunk.index,
        "seed": chunk.seed,
        "messages": list(chunk.messages),
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "token_ids": ids_of(reply),
        "logprobs": [place.chosen.logprob for place in reply.places],
        "prompt_token_ids": list(reply.prompt_token_ids),
        "usage": {"prompt": reply.usage.prompt, "completion": reply.usage.completion},
    }
    if reply.reasoning:
        line["reasoning"] = reply.reasoning
    timing = {"started": reply.timing.started, "total_s": reply.timing.total_s}
    return {**line, "timing": {**timing, "attempts": attempts, "cached": reply.usage.cached}}


def note_of(kind: NoteKind, what: str, chunk: int) -> Line:
    """Something that a reader should know; `chunk` was the next to be written."""
    return {"record": "note", "kind": kind, "what": what, "chunk": chunk, "time": time.time()}


def ids_of(reply: Reply) -> list[int]:
    """Servers older than return_token_ids name the tokens among the logprobs by id."""
    named = [place.chosen.id for place in reply.places]
    return list(reply.token_ids) or [each for each in named if each is not None]


def read_samples(path: Path) -> Samples:
    """Raises UsageError for what is no such file, OrchestrateError for a damaged one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None
    return parsed(content, str(path))


def require_chunks(samples: Samples, where: str) -> None:
    """Raises UsageError for a session that ended before its first answer."""
    if not samples.chunks:
        hint = f"orchestrate sample --resume {where}"
        raise UsageError(Problem("holds no chunk", where, hint))


def parsed(content: bytes, where: str) -> Samples:
    """A line without its end is torn: the last thing that a killed run wrote."""
    *lines, rest = content.split(b"\n")
    values = [value_of(line, f"{where}, line {n}") for n, line in enumerate(lines, 1)]
    header = values[0] if values else {}
    if header.get("schema") != SCHEMA:
        what = "holds no samples" if content else "is empty"
        raise UsageError(Problem(what, where, "start anew: orchestrate sample"))
    if header.get("format") != FORMAT:
        what = f"format {header.get('format')}; this version knows format {FORMAT}"
        raise UsageError(Problem(what, where, "another version of orchestrate wrote it"))
    chunks = tuple(value for value in values if value.get("record") == "chunk")
    if [chunk.get("index") for chunk in chunks] != list(range(len(chunks))):
        raise damaged(where, "its chunks are not numbered in order")
    if any(not chunk.keys() >= CHUNK_KEYS for chunk in chunks):
        raise damaged(where, "a chunk lacks a part")
    notes = tuple(value for value in values if value.get("record") == "note")
    return Samples(header, chunks, notes, len(content) - len(rest), len(rest))


def value_of(line: bytes, where: str) -> Line:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise damaged(where, "is no JSON object")
    return value


def damaged(where: str, what: str) -> OrchestrateError:
    hint = "the file was changed after it was written; start anew, or take a copy"
    return OrchestrateError(Problem(f"damaged: {what}", where, hint))
