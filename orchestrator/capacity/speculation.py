"""`speculative_config`: what drafts tokens, and what of it takes memory; pure.

After config/speculative.py of vLLM 0.32. Multi-token prediction is layers of the model's own; other
drafts are models whose size nobody knows here, or none at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.config_json import count_in, text_in

WITHOUT_MODEL = ("ngram", "ngram_gpu", "suffix")


@dataclass(frozen=True)
class Speculation:
    """Tokens that a step adds, layers of the model's own that are loaded for it, and what makes
    the figures a guess; `in_step` is false where scheduling ahead is turned off by it."""

    tokens: int = 0
    layers: int = 0
    guess: str = ""
    in_step: bool = True


def speculation_of(told: Mapping[str, Any], arch: Architecture) -> Speculation:
    if not told:
        return Speculation()
    method, model = text_in(told, "method").lower(), text_in(told, "model")
    tokens = count_in(told, "num_speculative_tokens", default=max(1, arch.draft_layers))
    if method in WITHOUT_MODEL:
        return Speculation(tokens, in_step=method == "ngram_gpu")
    if "mtp" in method or (not method and not model):
        return own_layers(tokens, arch)
    named = model or f"of method {method}"
    return Speculation(
        tokens, guess=f"the draft model {named} of speculative_config is not counted"
    )


def own_layers(tokens: int, arch: Architecture) -> Speculation:
    if arch.draft_layers:
        return Speculation(tokens, arch.draft_layers)
    guess = "speculative_config asks for mtp, and config.json names no such layers"
    return Speculation(tokens, guess=guess)
