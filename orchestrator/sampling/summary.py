"""The summary of a file of samples: hash, tokens, and what a reader should know; pure."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.units import clock_time
from orchestrator.sampling.file_format import parse_samples

NOT_REFERENCE = (
    "NOT a reference session: {n} requests at once share batches, which changes the sums"
)


@dataclass(frozen=True)
class SampleReport:
    """`sha256` is that of the whole file; `seconds` counts the time with a request in flight.

    `reference`: one request at a time, and nobody else was seen on the server. `notes` and
    `seconds` include earlier runs of the session.
    """

    url: str
    model: str
    file: str
    sha256: str
    chunks: int
    tokens: int
    target_tokens: int
    seed: int
    concurrency: int
    reference: bool
    notes: tuple[str, ...]
    finish_reasons: Mapping[str, int]
    seconds: float
    tokens_per_s: float


def summary_of(content: bytes, file: str) -> SampleReport:
    """Computed from the file alone. Raises OrchestrateError where it is damaged."""
    samples = parse_samples(content, file)
    settings, server = samples.session.settings, samples.header["server"]
    seconds = request_seconds([chunk["timing"] for chunk in samples.chunks])
    return SampleReport(
        url=server["url"],
        model=server["served_name"],
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        chunks=len(samples.chunks),
        tokens=samples.tokens,
        target_tokens=settings.target_tokens,
        seed=settings.seed,
        concurrency=settings.concurrency,
        reference=settings.is_reference and not samples.disturbed,
        notes=tuple(note["what"] for note in samples.notes),
        finish_reasons=Counter(chunk["finish_reason"] for chunk in samples.chunks),
        seconds=seconds,
        tokens_per_s=samples.tokens / seconds if seconds else 0.0,
    )


def request_seconds(timings: Sequence[Mapping[str, float]]) -> float:
    """Seconds in which at least one request was in flight."""
    total, covered = 0.0, 0.0
    for start, end in sorted(
        (each["started"], each["started"] + each["total_s"]) for each in timings
    ):
        total += max(0.0, end - max(start, covered))
        covered = max(covered, end)
    return total


def not_reference_text(concurrency: int) -> str:
    return NOT_REFERENCE.format(n=concurrency)


def sample_screen(report: SampleReport) -> RenderableType:
    ends = ", ".join(f"{count} {reason}" for reason, count in report.finish_reasons.items())
    rate = f"{report.tokens_per_s:,.1f} tokens/s over {clock_time(report.seconds)} of requests"
    rows = [
        f"{report.tokens:,} tokens in {report.chunks} chunks of {report.model} at {report.url}",
        f"  file       {report.file}",
        f"  SHA-256    {report.sha256}",
        f"  ended by   {ends}",
        f"  rate       {rate}",
        f"  next       orchestrate sample replay {report.file}",
    ]
    parts = [Text(row) for row in rows]
    if report.concurrency > 1:
        parts.append(Text(not_reference_text(report.concurrency), style="bold red"))
    elif not report.reference:
        parts.append(Text("NOT a reference session: others used the server", style="bold red"))
    return Group(*parts, *(Text(f"  note       {each}", style="dim") for each in report.notes))
