"""How many tokens a KV cache of given bytes holds: vLLM's own arithmetic; pure.

After kv_cache_utils.py and kv_cache_interface.py (vLLM 0.32, v1/). Full attention (and MLA) keeps
every token, a sliding window keeps the window and what is in flight, a layer with a state keeps one
of constant size, and one for each token that a speculative step adds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from orchestrator.capacity.kv_groups import Group

STATE_BLOCKS_CACHED = 2  # of a layer with a state, with prefix caching: mamba_cache_mode "align"


@dataclass(frozen=True)
class KVCache:
    """The cache of one model on one split; `in_flight`: tokens scheduled and not yet settled."""

    in_flight: int
    state_blocks: int
    groups: tuple[Group, ...]

    @cached_property
    def pages_of(self) -> dict[int, tuple[tuple[int, int], ...]]:
        """(number of its group, bytes) of each page, by layer."""
        found: dict[int, tuple[tuple[int, int], ...]] = {}
        for number, group in enumerate(self.groups):
            for page in group.pages:
                found[page.layer] = (*found.get(page.layer, ()), (number, page.bytes))
        return found

    @cached_property
    def tables(self) -> Counter[tuple[str, int, int]]:
        """How many groups there are of each kind: with one rare layer, as many as layers."""
        return Counter((group.kind, group.block, group.window) for group in self.groups)

    @property
    def block(self) -> int:
        """Tokens of a block of full attention, the least where there are several."""
        sizes = [block for kind, block, _ in self.tables if kind == "full"]
        return min(sizes or [block for _, block, _ in self.tables], default=0)

    def block_bytes(self, layers: Sequence[int]) -> int:
        """Of a pipeline stage with these layers."""
        sizes = [0] * len(self.groups)
        for layer in layers:
            if layer in self.pages_of:
                for number, size in self.pages_of[layer]:
                    sizes[number] += size
        return max(sizes, default=0)

    def blocks_for(self, tokens: int) -> int:
        """What one request of this length may hold at once."""
        return sum(self.group_blocks(table, tokens) * n for table, n in self.tables.items())

    def group_blocks(self, table: tuple[str, int, int], tokens: int) -> int:
        kind, block, window = table
        if kind == "state":
            return self.state_blocks
        if kind == "sliding":
            return ceil(min(window - 1 + self.in_flight, tokens) / block) + 1
        if kind == "chunked":
            return ceil(min(window + self.in_flight, tokens) / block)
        return ceil(tokens / block)

    def request_bytes(self, tokens: int, layers: Sequence[int]) -> int:
        return self.blocks_for(tokens) * self.block_bytes(layers)

    def blocks_in(self, room: Sequence[int], stages: Sequence[Sequence[int]]) -> int:
        """Blocks that fit on every stage; `room` is bytes by stage."""
        sizes = [self.block_bytes(layers) for layers in stages]
        return min((max(0, b) // s for b, s in zip(room, sizes, strict=True) if s), default=0)

    def tokens_in(self, blocks: int, max_model_len: int) -> int:
        """What vLLM prints as `GPU KV cache size`: requests of full length times that length."""
        each = self.blocks_for(max_model_len)
        return int(blocks / each * max_model_len) if each else 0

    def longest(self, blocks: int, limit: int) -> int:
        """The longest request up to `limit` tokens that has room, less the block vLLM keeps."""
        low, high = 0, limit
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.blocks_for(middle) < blocks else (low, middle - 1)
        return low
