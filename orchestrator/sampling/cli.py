"""`orchestrate sample` and `orchestrate sample replay`: parse, one verb, its report. No logic."""

import shlex
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cluster.errors import OrchestrateError, Problem, UsageError
from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.send import ANSWER_LIMIT_S
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes, show_on
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance
from orchestrator.sampling.file_format import read_samples, require_chunks
from orchestrator.sampling.open_session import (
    OpenSession,
    new_session,
    require_same_options,
    resume_session,
    start_session,
)
from orchestrator.sampling.replay import replay, replay_screen
from orchestrator.sampling.run import SessionWriter, run_session
from orchestrator.sampling.session import SETTING_NAMES
from orchestrator.sampling.summary import not_reference_text, sample_screen, summary_of

LARGEST_SEED = 1 << 53  # every JSON parser keeps it exact
TargetTokens = Annotated[
    int | None, typer.Option(min=1, help="End with the chunk that reaches it. Default: 300000.")
]
ChunkTokens = Annotated[
    int | None, typer.Option(min=1, help="Tokens of one request, at most. Default: 1024.")
]
SampleTemperature = Annotated[float | None, typer.Option(min=0, max=2, help="Default: 0.7.")]
TopP = Annotated[float | None, typer.Option(min=0.001, max=1, help="Default: 0.95.")]
SessionSeed = Annotated[
    int | None,
    typer.Option(min=0, max=LARGEST_SEED, help="Chunk N has seed + N. Default: 424242."),
]
PromptsFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help='They take turns: one a line, or .jsonl with {"messages": [...]}. '
        "Default: 16 of our own.",
    ),
]
SampleConcurrency = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Requests at once. More than 1 is faster, and not a reference session. Default: 1.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Resume the session of this samples.jsonl."),
]
ChunkTimeoutS = Annotated[
    float | None,
    typer.Option(min=0.1, help="Limit for one chunk. Default: 600, or 1 s a token if more."),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="samples.jsonl of a session.")]


def sample(
    context: typer.Context,
    target_tokens: TargetTokens = None,
    chunk_max_tokens: ChunkTokens = None,
    temperature: SampleTemperature = None,
    top_p: TopP = None,
    seed: SessionSeed = None,
    prompts: PromptsFile = None,
    concurrency: SampleConcurrency = None,
    resume: Resume = None,
    timeout_s: ChunkTimeoutS = None,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """A long reproducible session, one request at a time; or `replay` one."""
    given = {key: context.params[key] for key in SETTING_NAMES}
    if context.invoked_subcommand:
        require_no_options(context)
        return
    if resume:
        require_same_options(Path(resume), given, prompts)
    session = None if resume else new_session(given, prompts)
    wanted = Wanted(url, model, api_key_file, nodes)

    def verb(console: Console, target: Target) -> int:
        path = Path(resume or "")
        session_file = (
            start_session(target, session, prompts) if session else resume_session(target, path)
        )
        return run_to_end(console, target, session_file, wanted, timeout_s, json)

    with_target(wanted, verb)


def run_to_end(
    console: Console,
    target: Target,
    session_file: AbstractContextManager[OpenSession],
    wanted: Wanted,
    timeout_s: float | None,
    json: bool,
) -> int:
    """Run the session to its end, or print how to resume it."""
    with session_file as file:
        settings, path = file.samples.session.settings, file.writer.path
        if not settings.is_reference:
            console.warn(not_reference_text(settings.concurrency))
        console.tell(f"sampling from {target.shown} into {path}")
        session = SessionWriter(file.samples, file.writer, console)
        try:
            run_session(target, session, timeout_s or answer_limit_s(settings.chunk_max_tokens))
        except (KeyboardInterrupt, OrchestrateError):
            console.warn(f"{session.rate}; resume with: {resume_line(path, wanted)}")
            raise
        found = summary_of(path.read_bytes(), str(path))
        result = file.artifact.write(found)
    show_on(console, found, sample_screen, json)
    console.tell(f"result: {result}")
    return 0


def replay_sample(
    file: File,
    timeout_s: ChunkTimeoutS = None,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Send every chunk of a session again; exit code 1 unless all tokens are the same."""
    samples = read_samples(file)
    require_chunks(samples, str(file))
    started = datetime.now(UTC)
    limit = timeout_s or answer_limit_s(samples.session.settings.chunk_max_tokens)

    def verb(console: Console, target: Target) -> int:
        console.tell(f"replaying {len(samples.chunks)} chunks on {target.shown}")
        found = replay(target, samples, str(file), console, limit)
        show_on(console, found, replay_screen, json)
        artifact = Artifact("sample-replay", provenance(target), found.seed, started)
        console.tell(f"result: {artifact.write(found)}")
        return 0 if found.identical else 1

    with_target(Wanted(url, model, api_key_file, nodes), verb)


def require_no_options(context: typer.Context) -> None:
    """Options before `replay` would be ignored. Raises UsageError."""
    misplaced = [f"--{key.replace('_', '-')}" for key, value in context.params.items() if value]
    if misplaced:
        hint = f"orchestrate sample {context.invoked_subcommand} --help"
        what = f"must come after `{context.invoked_subcommand}`, not before it"
        raise UsageError(Problem(what, " ".join(misplaced), hint))


def answer_limit_s(tokens: int) -> float:
    """Allows a second for each token, as much as the slowest usable server takes."""
    return max(ANSWER_LIMIT_S, float(tokens))


def resume_line(path: Path, wanted: Wanted) -> str:
    """The command that resumes the session on the same server."""
    options = {
        "--url": wanted.url,
        "--model": wanted.model,
        "--api-key-file": wanted.key_file,
        "--nodes": wanted.nodes,
    }
    words = ["orchestrate", "sample", "--resume", str(path)]
    for name, value in options.items():
        words += [name, value] if value else []
    return shlex.join(words)
