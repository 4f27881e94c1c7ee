"""Two runs of one chunk, token by token; pure."""

from dataclasses import dataclass
from typing import Any

from orchestrator.records.divergence import Divergence, first_divergence
from orchestrator.sampling.file_format import SampleLine


@dataclass(frozen=True)
class ChunkDivergence:
    """The first place where two runs of a chunk differ; None for a run that had ended by then.

    Before it both had the same tokens, so that the logprobs can be compared: `apart` is the
    difference of the logprobs of the two chosen tokens.
    """

    chunk: int
    seed: int
    position: int
    recorded: int | str | None
    replayed: int | str | None
    recorded_logprob: float | None
    replayed_logprob: float | None
    apart: float | None

    def __str__(self) -> str:
        was = token_text(self.recorded, self.recorded_logprob)
        now = token_text(self.replayed, self.replayed_logprob)
        apart = "" if self.apart is None else f", {self.apart:.4f} apart"
        return f"chunk {self.chunk}, token {self.position}: was {was}, is {now}{apart}"


@dataclass(frozen=True)
class ChunkComparison:
    """One chunk, as recorded and as replayed."""

    chunk: int
    tokens: int
    matching: int
    logprobs_apart: float
    same_prompt: bool
    divergence: ChunkDivergence | None

    @property
    def identical(self) -> bool:
        return self.divergence is None and self.same_prompt

    def __str__(self) -> str:
        if not self.same_prompt:
            return f"chunk {self.chunk}: the prompt has other tokens"
        return str(self.divergence or f"chunk {self.chunk}: the same")


def compare_chunks(was: SampleLine, now: SampleLine) -> ChunkComparison:
    one, other = was["token_ids"], now["token_ids"]
    found = first_divergence(one, other)
    matching = found.position if found else len(one)
    pairs = zip(was["logprobs"][:matching], now["logprobs"][:matching], strict=True)
    return ChunkComparison(
        chunk=was["index"],
        tokens=max(len(one), len(other)),
        matching=matching,
        logprobs_apart=max((abs(a - b) for a, b in pairs), default=0.0),
        same_prompt=was.get("prompt_token_ids") == now.get("prompt_token_ids"),
        divergence=chunk_divergence(was, now, found) if found else None,
    )


def chunk_divergence(was: SampleLine, now: SampleLine, found: Divergence) -> ChunkDivergence:
    def logprob(line: SampleLine) -> Any:
        return line["logprobs"][found.position] if found.position < len(line["logprobs"]) else None

    before, after = logprob(was), logprob(now)
    return ChunkDivergence(
        chunk=was["index"],
        seed=was["seed"],
        position=found.position,
        recorded=found.first,
        replayed=found.second,
        recorded_logprob=before,
        replayed_logprob=after,
        apart=None if before is None or after is None else abs(before - after),
    )


def token_text(token: int | str | None, logprob: float | None) -> str:
    return "the end" if token is None else f"id {token} (logprob {logprob:.4f})"
