"""One layer's part of a block of the KV cache."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """`block` in tokens, `bytes` on a rank; `kind` is full, sliding, chunked or state; `latent`:
    MLA's, whose pages are not padded."""

    layer: int
    kind: str
    block: int
    bytes: int
    window: int = 0
    latent: bool = False
