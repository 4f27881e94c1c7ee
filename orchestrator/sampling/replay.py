"""The verb `sample replay`: sends every chunk again and finds where the tokens diverge."""

import asyncio
import time
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.reporter import Reporter
from orchestrator.api.reply import Failure
from orchestrator.api.send import connected
from orchestrator.api.target import Target
from orchestrator.records.provenance import provenance
from orchestrator.sampling.compare import ChunkComparison, ChunkDivergence, compare_chunks
from orchestrator.sampling.file_format import Samples, chunk_line
from orchestrator.sampling.rate import SamplingRate
from orchestrator.sampling.request import send_with_retries
from orchestrator.sampling.same_server import identity_differences, identity_of
from orchestrator.sampling.session import Chunk


@dataclass(frozen=True)
class ReplayReport:
    """`matching` of `tokens` come before the first difference of their chunk.

    `logprobs_apart` is the largest difference of a logprob among those. `differences` are those
    between the server that was recorded and this one.
    """

    url: str
    model: str
    file: str
    seed: int
    identical: bool
    tokens: int
    matching: int
    share: float
    chunks: int
    identical_chunks: int
    other_prompts: int
    first: ChunkDivergence | None
    logprobs_apart: float
    differences: tuple[str, ...]


def replay(
    target: Target, samples: Samples, file: str, reporter: Reporter, timeout_s: float
) -> ReplayReport:
    """Raises RequestFailed where the server does not answer."""
    now = identity_of(target, provenance(target))
    differences = identity_differences(samples.header["server"], now, file)
    for each in differences:
        reporter.warn(f"not the recorded server: {each}")
    found = asyncio.run(replay_chunks(target, samples, reporter, timeout_s))
    tokens, matching = sum(each.tokens for each in found), sum(each.matching for each in found)
    same = sum(each.identical for each in found)
    return ReplayReport(
        url=target.shown,
        model=target.model,
        file=file,
        seed=samples.session.settings.seed,
        identical=same == len(found),
        tokens=tokens,
        matching=matching,
        share=matching / tokens if tokens else 1.0,
        chunks=len(found),
        identical_chunks=same,
        other_prompts=sum(not each.same_prompt for each in found),
        first=next((each.divergence for each in found if each.divergence), None),
        logprobs_apart=max((each.logprobs_apart for each in found), default=0.0),
        differences=differences,
    )


async def replay_chunks(
    target: Target, samples: Samples, reporter: Reporter, timeout_s: float
) -> list[ChunkComparison]:
    """Sends one at a time, in order, whatever the concurrency of the session was."""
    session, found, started = samples.session, list[ChunkComparison](), time.monotonic()
    async with connected(target.url, target.key) as server:
        for was in samples.chunks:
            chunk = Chunk(was["index"], was["seed"], tuple(was["messages"]))

            def waits(failure: Failure, pause_s: float) -> None:
                reporter.warn(f"{failure.kind}: {failure}; sending again in {pause_s:g} s")

            call = session.call(target.model, chunk)
            reply, attempts = await send_with_retries(server, call, target.shown, timeout_s, waits)
            each = compare_chunks(was, chunk_line(chunk, reply, attempts))
            if not each.identical and all(one.identical for one in found):
                reporter.warn(f"differs: {each}")
            found.append(each)
            done = sum(one.tokens for one in found)
            reporter.progress(
                str(
                    SamplingRate(len(found), done, samples.tokens, done, time.monotonic() - started)
                )
            )
    return found


def replay_screen(report: ReplayReport) -> RenderableType:
    verdict = ("the same", "bold green") if report.identical else ("NOT the same", "bold red")
    rows = [
        f"  tokens     {report.share:.4%} ({report.matching:,} of {report.tokens:,}) come before "
        "the first difference of their chunk",
        f"  chunks     {report.identical_chunks} of {report.chunks} are identical",
        f"  logprobs   at most {report.logprobs_apart:.2g} apart where the tokens are the same",
    ]
    if report.first:
        rows.append(f"  first      {report.first}")
    if report.other_prompts:
        rows.append(
            f"  prompts    {report.other_prompts} have other tokens: another chat template?"
        )
    rows += [f"  server     {each}" for each in report.differences]
    head = Text.assemble(f"replay of {report.file} at {report.url}: ", verdict)
    return Group(head, *map(Text, rows))
