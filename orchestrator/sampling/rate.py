"""How far a session is, how fast, and how long it still takes; pure."""

from dataclasses import dataclass

from cluster.units import clock_time


@dataclass(frozen=True)
class SamplingRate:
    """`made` tokens of this run in `elapsed_s`, `tokens` of `target` in all."""

    chunks: int
    tokens: int
    target: int
    made: int
    elapsed_s: float

    @property
    def rate(self) -> float:
        """Tokens a second of this run."""
        return self.made / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def __str__(self) -> str:
        chunks = "1 chunk" if self.chunks == 1 else f"{self.chunks} chunks"
        text = f"{chunks}, {self.tokens:,} of {self.target:,} tokens"
        if not self.made:
            return text
        left = max(0, self.target - self.tokens) / self.rate if self.rate else 0
        return f"{text}, {self.rate:,.1f} tokens/s, {clock_time(left)} left"
