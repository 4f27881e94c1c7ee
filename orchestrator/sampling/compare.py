"""Two runs of one chunk, token by token; pure."""

from dataclasses import dataclass
from typing import Any

from orchestrator.sampling.file_format import Line


@dataclass(frozen=True)
class Divergence:
    """The first place where two runs of a chunk differ; None for a run that had ended by then.

    Before it both had the same tokens, so that the logprobs can be compared: `apart` is how far
    the two chosen tokens lie from each other.
    """

    chunk: int
    seed: int
    position: int
    recorded: int | None
    replayed: int | None
    recorded_logprob: float | None
    replayed_logprob: float | None
    apart: float | None

    def __str__(self) -> str:
        was = named(self.recorded, self.recorded_logprob)
        now = named(self.replayed, self.replayed_logprob)
        apart = "" if self.apart is None else f", {self.apart:.4f} apart"
        return f"chunk {self.chunk}, token {self.position}: was {was}, is {now}{apart}"


@dataclass(frozen=True)
class Compared:
    """One chunk, as recorded and as replayed."""

    chunk: int
    tokens: int
    matching: int
    logprobs_apart: float
    same_prompt: bool
    divergence: Divergence | None

    @property
    def identical(self) -> bool:
        return self.divergence is None and self.same_prompt

    def __str__(self) -> str:
        if not self.same_prompt:
            return f"chunk {self.chunk}: the prompt became other tokens"
        return str(self.divergence or f"chunk {self.chunk}: the same")


def compared(was: Line, now: Line) -> Compared:
    """Token by token; pure."""
    one, other = was["token_ids"], now["token_ids"]
    longest, shortest = max(len(one), len(other)), min(len(one), len(other))
    matching = next((n for n in range(shortest) if one[n] != other[n]), shortest)
    pairs = zip(was["logprobs"][:matching], now["logprobs"][:matching], strict=True)
    return Compared(
        chunk=was["index"],
        tokens=longest,
        matching=matching,
        logprobs_apart=max((abs(a - b) for a, b in pairs), default=0.0),
        same_prompt=was.get("prompt_token_ids") == now.get("prompt_token_ids"),
        divergence=parted(was, now, matching) if matching < longest else None,
    )


def parted(was: Line, now: Line, position: int) -> Divergence:
    def at(line: Line, key: str) -> Any:
        return line[key][position] if position < len(line[key]) else None

    before, after = at(was, "logprobs"), at(now, "logprobs")
    apart = None if before is None or after is None else abs(before - after)
    ids = at(was, "token_ids"), at(now, "token_ids")
    return Divergence(was["index"], was["seed"], position, *ids, before, after, apart)


def named(token: int | None, logprob: float | None) -> str:
    return "the end" if token is None else f"id {token} (logprob {logprob:.4f})"
