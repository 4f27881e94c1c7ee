"""Sparse attention: layers with an indexer that keeps keys of its own; DeepSeek V4's ratios; pure.

After vLLM's deepseek_v2.py (`index_topk_freq`, `index_topk_pattern`) and models/deepseek_v4.
"""

from dataclasses import dataclass

from orchestrator.capacity.config_json import MOST_LAYERS, ConfigTable, count_in, text_in

SCALE_BYTES, SCALED = 4, 128  # an indexer's key is FP8 with a float32 scale for each 128 elements


@dataclass(frozen=True)
class Sparse:
    """`index_dim`: elements of an indexer's key, 0 without; `index_layers`: which have one;
    `ratios`: of DeepSeek V4, how many tokens a layer keeps as one (0: only a window)."""

    index_dim: int
    index_heads: int
    index_layers: tuple[bool, ...]
    ratios: tuple[int, ...]

    @property
    def index_bytes(self) -> int:
        """Of one token in one layer."""
        return self.index_dim + max(1, self.index_dim // SCALED) * SCALE_BYTES


def sparse_of(table: ConfigTable, layers: int) -> Sparse:
    size = count_in(table, "index_head_dim")
    listed = table.get("compress_ratios")
    ratios = listed[:MOST_LAYERS] if isinstance(listed, list) else []
    return Sparse(
        size,
        count_in(table, "index_n_heads"),
        tuple(index_layers(table, layers)) if size else (False,) * layers,
        tuple(each if isinstance(each, int) and each > 0 else 0 for each in ratios),
    )


def index_layers(table: ConfigTable, layers: int) -> list[bool]:
    """Some layers use the choice of the one before."""
    types, pattern = table.get("indexer_types"), text_in(table, "index_topk_pattern")
    if isinstance(types, list) and types:
        return [n >= len(types) or types[n] != "shared" for n in range(layers)]
    if pattern:
        return [n >= len(pattern) or pattern[n] != "S" for n in range(layers)]
    every = count_in(table, "index_topk_freq", default=1)
    first = count_in(table, "index_skip_topk_offset", default=2)
    return [max(n - first + 1, 0) % every == 0 for n in range(layers)]
