"""How many tokens a KV cache of given bytes holds: vLLM's own arithmetic; pure.

After kv_cache_utils.py and kv_cache_interface.py (vLLM 0.32, v1/), and platforms/interface.py for
models that mix attention with linear layers. The cache is cut into blocks; every group of layers
takes blocks from one pool, so that a block is as large as the largest group's page. Full attention
(and MLA) keeps every token, a sliding window keeps the window and what is in flight, a linear layer
keeps one state of constant size, whose page is padded to that of attention.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from orchestrator.capacity.architecture import Architecture, Linear

BLOCK = 16  # tokens; vLLM's default
STATE_BLOCKS_CACHED = 2  # of a linear layer with prefix caching: mamba_cache_mode "align"
BATCHES_IN_FLIGHT = 2  # asynchronous scheduling: one step computes while the next is scheduled


@dataclass(frozen=True)
class Group:
    """Layers that share one block table."""

    kind: str
    layers: tuple[int, ...]


@dataclass(frozen=True)
class KVCache:
    """The cache of one model on one split; `page` is bytes of a block of one layer on a rank."""

    block: int
    page: int
    window: int
    in_flight: int
    state_blocks: int
    groups: tuple[Group, ...]

    @cached_property
    def group_of(self) -> dict[int, int]:
        """The number of each layer's group."""
        return {layer: n for n, group in enumerate(self.groups) for layer in group.layers}

    @cached_property
    def kinds(self) -> Counter[str]:
        """How many groups there are of each kind: with one rare layer, as many as layers."""
        return Counter(group.kind for group in self.groups)

    def block_bytes(self, layers: Sequence[int]) -> int:
        """Of a pipeline stage with these layers."""
        mine = Counter(self.group_of[layer] for layer in layers if layer in self.group_of)
        return self.page * max(mine.values(), default=0)

    def blocks_for(self, tokens: int) -> int:
        """What one request of this length may hold at once."""
        return sum(self.group_blocks(kind, tokens) * n for kind, n in self.kinds.items())

    def group_blocks(self, kind: str, tokens: int) -> int:
        if kind == "linear":
            return self.state_blocks
        if kind == "sliding":
            return ceil(min(self.window - 1 + self.in_flight, tokens) / self.block) + 1
        return ceil(tokens / self.block)

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


def kv_cache(
    arch: Architecture, tensor: int, *, element: int, state_element: int, batched: int, prefix: bool
) -> KVCache:
    """`element`, `state_element`: bytes; `batched`: tokens of a step; `prefix`: caching is on."""
    token = token_bytes(arch, tensor, element)
    state = state_bytes(arch.linear, tensor, state_element) if "linear" in arch.layers else 0
    block = BLOCK * max(1, ceil(state / (BLOCK * token))) if token else BLOCK
    return KVCache(
        block=block,
        page=max(block * token, state),
        window=max(1, arch.window),
        in_flight=BATCHES_IN_FLIGHT * batched,
        state_blocks=STATE_BLOCKS_CACHED if prefix else 1,
        groups=layer_groups(arch.layers),
    )


def token_bytes(arch: Architecture, tensor: int, element: int) -> int:
    """Of one token in one layer on one rank. MLA's latent is on every rank."""
    if arch.latent:
        return arch.latent * element
    return ceil(arch.kv_heads / tensor) * 2 * arch.head_dim * element


def state_bytes(linear: Linear | None, tensor: int, element: int) -> int:
    """The convolution's last inputs and the recurrent state, of one layer on one rank."""
    if linear is None:
        return 0
    channels = 2 * linear.key_heads * linear.key_dim + linear.value_heads * linear.value_dim
    window = (linear.kernel - 1) * channels
    return (window + linear.value_heads * linear.value_dim * linear.key_dim) * element // tensor


def layer_groups(kinds: Sequence[str]) -> tuple[Group, ...]:
    """Layers of one kind in groups of equal size: that of the rarest kind, or of the most frequent
    where that has less than 1.5 times as many."""
    found = {kind: [n for n, k in enumerate(kinds) if k == kind] for kind in dict.fromkeys(kinds)}
    if not found:
        return ()
    fewest, most = min(map(len, found.values())), max(map(len, found.values()))
    size = most if most < 1.5 * fewest else fewest
    return tuple(
        Group(kind, tuple(layers[n :: ceil(len(layers) / size)]))
        for kind, layers in found.items()
        for n in range(ceil(len(layers) / size))
    )
