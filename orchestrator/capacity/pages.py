"""What each layer keeps in a block of the KV cache: vLLM's get_kv_cache_spec of every layer; pure.

After attention.py, mla_attention.py, mamba/abstract.py, deepseek_v2.py and models/deepseek_v4 of
vLLM 0.32, and _align_hybrid_block_size of platforms/interface.py for layers with a state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.cache_types import (
    FULL_PACKED,
    LATENT_BYTES,
    CacheType,
    element_bits,
)
from orchestrator.capacity.compressed_pages import compressed_pages
from orchestrator.capacity.page import Page
from orchestrator.capacity.recurrent import linear_state, mamba_state

BLOCK = 16  # tokens; vLLM's default
SPARSE_BLOCK = 64  # the kernels of sparse attention take no other
LATENT_BLOCK = 128  # of a model with states and MLA: its kernels want a multiple


@dataclass(frozen=True)
class PageRequest:
    """`element` is what a value of the cache is stored as; `state_bytes`: of an element of the
    convolution's inputs and of a recurrent state; `drafts`: tokens that a speculative step adds;
    `draft_layers`: layers of multi-token prediction that are loaded; `block`: told, or 0."""

    tensor: int
    cache: CacheType
    state_bytes: tuple[int, int]
    drafts: int = 0
    draft_layers: int = 0
    block: int = 0


def layer_pages(arch: Architecture, asked: PageRequest) -> tuple[Page, ...]:
    """In the order of the layers; those of multi-token prediction lie after the last."""
    if "compressed" in arch.layers:
        return tuple(compressed_pages(arch.layers, arch.sparse, arch.head_dim, arch.window))
    return tuple(every_page(arch, asked, block_size(arch, asked)))


def every_page(arch: Architecture, asked: PageRequest, block: int) -> Iterator[Page]:
    state = state_bytes(arch, asked)
    attention = block * token_bytes(arch, asked, first_full(arch))
    for number, kind in enumerate(arch.layers):
        if kind in ("linear", "mamba"):
            yield Page(number, "state", block, max(attention, state))
        elif kind != "none":
            yield from attention_pages(arch, asked, number, block)
    last = len(arch.layers) - 1
    for _ in range(asked.draft_layers):
        yield Page(last, "full", block, block * token_bytes(arch, asked, first_full(arch)))
        if arch.sparse.index_dim:
            yield Page(last, "full", block, block * arch.sparse.index_bytes)


def attention_pages(
    arch: Architecture, asked: PageRequest, number: int, block: int
) -> Iterator[Page]:
    kind = arch.layers[number]
    window = arch.window if kind in ("sliding", "chunked") else 0
    size = block * token_bytes(arch, asked, number)
    yield Page(number, kind, block, size, window, bool(arch.latent))
    if arch.sparse.index_dim and arch.sparse.index_layers[number]:
        yield Page(number, kind, block, block * arch.sparse.index_bytes, latent=True)


def first_full(arch: Architecture) -> int:
    """The layer whose page others are fitted to."""
    return next((n for n, kind in enumerate(arch.layers) if kind == "full"), 0)


def token_bytes(arch: Architecture, asked: PageRequest, layer: int) -> int:
    """Of one token in one layer on one rank. MLA's latent is on every rank."""
    cache = asked.cache
    if arch.latent:
        sparse = arch.sparse.index_dim > 0
        packed = LATENT_BYTES.get("fp8_ds_mla" if sparse and cache.fp8 else cache.name)
        return packed or arch.latent * cache.bits // 8
    heads = arch.heads_of(layer)
    count = ceil(heads.count / asked.tensor)
    extra = FULL_PACKED.get(cache.name, 0)  # bytes of a scale beside each head's key and value
    return count * (element_bits(heads.key, cache) + element_bits(heads.value, cache)) // 8 + (
        count * 2 * extra
    )


def state_bytes(arch: Architecture, asked: PageRequest) -> int:
    """Of one layer with a state on one rank; 0 where there is none."""
    conv, state = asked.state_bytes
    sizes = [0]
    if arch.linear and "linear" in arch.layers:
        inputs, memory = linear_state(arch.linear, asked.tensor, asked.drafts)
        sizes.append(inputs * conv + memory * state)
    if arch.mamba and "mamba" in arch.layers:
        inputs, memory = mamba_state(arch.mamba, asked.tensor, asked.drafts)
        sizes.append(inputs * conv + memory * state)
    return max(sizes)


def block_size(arch: Architecture, asked: PageRequest) -> int:
    """Tokens of a block of full attention: as many as make its page hold a state."""
    block = asked.block or (SPARSE_BLOCK if arch.sparse.index_dim else BLOCK)
    state, token = state_bytes(arch, asked), token_bytes(arch, asked, first_full(arch))
    if not state or not token:
        return block
    step = max(block, LATENT_BLOCK) if arch.latent else block
    return max(block, step * ceil(state / (step * token)))
