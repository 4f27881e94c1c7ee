"""Starts or resumes a session: its file is open and belongs to this server and these options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.errors import Problem, UsageError
from orchestrator.api.target import Target
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance
from orchestrator.sampling.file_format import Samples, header_line, note_line, read_samples
from orchestrator.sampling.prompts import BUILT_IN, built_in_prompts, read_prompts
from orchestrator.sampling.same_server import identity_of, require_same_server
from orchestrator.sampling.session import SampleSession, SessionSettings
from orchestrator.sampling.writer import (
    SamplesFile,
    create_samples_file,
    cut_torn_line,
    reopen_samples_file,
)

FILE = "samples.jsonl"
Options = Mapping[str, Any]  # settings by name; None where the user gave none


@dataclass(frozen=True)
class OpenSession:
    """The file, open for writing, what it holds already, and where the result goes."""

    writer: SamplesFile
    samples: Samples
    artifact: Artifact


def new_session(options: Options, prompts: str | None) -> SampleSession:
    settings = SessionSettings(
        **{key: value for key, value in options.items() if value is not None}
    )
    return SampleSession(settings, read_prompts(prompts) if prompts else built_in_prompts())


@contextmanager
def start_session(
    target: Target, session: SampleSession, prompts: str | None
) -> Iterator[OpenSession]:
    """Creates a folder under artifacts/sample/ and the file with its header."""
    known = provenance(target)
    artifact = Artifact("sample", known, session.settings.seed)
    started = artifact.started.isoformat(timespec="seconds")
    header = header_line(session, prompts or BUILT_IN, identity_of(target, known), started)
    path = artifact.folder / FILE
    with create_samples_file(path, header) as writer:
        yield OpenSession(writer, read_samples(path), artifact)


@contextmanager
def resume_session(target: Target, path: Path) -> Iterator[OpenSession]:
    """Cuts off a torn last line. Raises UsageError for another server."""
    with reopen_samples_file(path) as (writer, samples):
        known = provenance(target)
        require_same_server(samples.header["server"], identity_of(target, known), str(path))
        cut_torn_line(writer, samples)
        if samples.tokens < samples.session.settings.target_tokens:
            what = f"resumed at chunk {len(samples.chunks)}"
            writer.append(note_line("resumed", what, len(samples.chunks)))
        started = datetime.fromisoformat(samples.header["started"]).astimezone(UTC)
        seed = samples.session.settings.seed
        artifact = Artifact("sample", known, seed, started, path.parent)
        yield OpenSession(writer, samples, artifact)


def require_same_options(path: Path, options: Options, prompts: str | None) -> None:
    """Raises UsageError with every option that differs from that of the file."""
    samples = read_samples(path)
    was = samples.header["settings"]
    found = [
        f"--{key.replace('_', '-')} was {was[key]}, is {value}"
        for key, value in options.items()
        if value is not None and value != was[key]
    ]
    if prompts and read_prompts(prompts) != samples.session.prompts:
        found.append(f"--prompts was {samples.header['prompts_from']}, is {prompts}")
    hint = "leave these options out: the file has them; or start a new session without --resume"
    if found:
        raise UsageError(
            Problem(f"started with other options: {'; '.join(found)}", str(path), hint)
        )
