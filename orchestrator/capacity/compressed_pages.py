"""DeepSeek V4's KV cache: a window in every layer, and what it compresses; pure.

After models/deepseek_v4 (attention.py, compressor.py) and sparse_swa.py of vLLM 0.32, in the layout
fp8_ds_mla: records of 584 bytes, pages of 576 byte steps. Other layouts are of other builds.
"""

from collections.abc import Iterator, Sequence
from math import ceil

from orchestrator.capacity.page import Page
from orchestrator.capacity.sparse import Sparse

RECORD, STEP = 584, 576
MAIN_BLOCK, WINDOW_BLOCK = 256, 64
STATE_BLOCKS = {4: 4, 128: 8}  # tokens in a block of a compressor's state, by its ratio
OVERLAP = {4: 2, 128: 1}  # the finer compressor also reads the group before
LAYOUTS = ("auto", "fp8", "fp8_e4m3", "fp8_ds_mla")


def compressed_pages(
    layers: Sequence[str], sparse: Sparse, head_dim: int, window: int
) -> Iterator[Page]:
    for number in range(len(layers)):
        ratio = sparse.ratios[number] if number < len(sparse.ratios) else 0
        yield page(number, "sliding", WINDOW_BLOCK, WINDOW_BLOCK * RECORD, window)
        if ratio not in STATE_BLOCKS:
            continue
        rows = MAIN_BLOCK // ratio
        yield page(number, "full", MAIN_BLOCK, rows * RECORD)
        yield state_page(number, ratio, head_dim)
        if ratio == 4 and sparse.index_dim:
            yield page(number, "full", MAIN_BLOCK, rows * sparse.index_bytes)
            yield state_page(number, ratio, sparse.index_dim)


def page(number: int, kind: str, block: int, size: int, window: int = 0) -> Page:
    return Page(number, kind, block, ceil(size / STEP) * STEP, window, latent=True)


def state_page(number: int, ratio: int, head_dim: int) -> Page:
    """Keys and scores in float32 of the tokens that are still being compressed."""
    block, overlap = STATE_BLOCKS[ratio], OVERLAP[ratio]
    size = block * overlap * head_dim * 2 * 4
    return page(number, "sliding", block, size, overlap * ratio)
