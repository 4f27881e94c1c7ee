"""What follows attention in each layer: a dense block, a mixture of experts, both or none; pure."""

from collections.abc import Iterator
from math import ceil

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.config_json import count_in, inner
from orchestrator.capacity.layer_kinds import block_letters
from orchestrator.capacity.stored_linear import linear
from orchestrator.capacity.tensors import Tensor

GATED = ("gate_proj", "up_proj", "down_proj")
SHORT = ("w1", "w3", "w2")
UNGATED = ("up_proj", "down_proj")  # a squared ReLU has no gate
BLOCKS = {"minimax_m2": "block_sparse_moe", "mixtral": "block_sparse_moe"}
NAS_STEP = 256  # Nemotron-NAS rounds its widths up to it


def feed_forward_of(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    if arch.family == "nemotron":
        yield from lettered(arch, number, f"{prefix}.mixer")
        return
    mixed = arch.experts > 0 and arch.moe_layers[number]
    if arch.family == "gemma4":
        yield from feed_forward(arch, f"{prefix}.mlp", gemma_width(arch, number))
        if mixed:
            yield from mixture(arch, prefix)
    elif mixed and arch.family != "dense":
        yield from mixture(arch, f"{prefix}.{block_name(arch)}")
    elif width := dense_width(arch, number):
        yield from feed_forward(arch, f"{prefix}.mlp", width)


def block_name(arch: Architecture) -> str:
    return "ffn" if arch.family == "deepseek_v4" else BLOCKS.get(arch.kind, "mlp")


def dense_width(arch: Architecture, number: int) -> int:
    """Of this layer; 0 where it has none."""
    blocks = arch.table.get("block_configs")
    if not isinstance(blocks, list) or number >= len(blocks):
        return arch.width
    found = inner(blocks[number], "ffn") if isinstance(blocks[number], dict) else {}
    if found.get("no_op") is True:
        return 0
    factor = found.get("ffn_mult")
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 < factor < 1000:
        return arch.width
    return ceil(int(2 * factor * arch.hidden / 3) / NAS_STEP) * NAS_STEP


def gemma_width(arch: Architecture, number: int) -> int:
    wide = arch.table.get("use_double_wide_mlp") is True and arch.layers[number] == "none"
    return arch.width * (2 if wide else 1)


def mixture(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    """Router, experts, and the experts that every token takes."""
    yield Tensor(f"{prefix}.gate.weight", "BF16", (arch.experts, arch.hidden))
    names = SHORT if arch.kind in BLOCKS else GATED
    narrow = count_in(arch.table, "routed_expert_hidden_size")
    yield from experts(arch, f"{prefix}.experts.*", names, narrow or arch.hidden)
    if narrow:
        yield from linear(arch, f"{prefix}.routed_expert_down_proj", narrow, arch.hidden)
        yield from linear(arch, f"{prefix}.routed_expert_up_proj", arch.hidden, narrow)
    if arch.shared_width:
        yield from feed_forward(arch, f"{prefix}.{shared_name(arch)}", arch.shared_width)


def shared_name(arch: Architecture) -> str:
    return "shared_experts" if count_in(arch.table, "n_shared_experts") else "shared_expert"


def experts(
    arch: Architecture, prefix: str, names: tuple[str, ...], hidden: int
) -> Iterator[Tensor]:
    *inputs, output = names
    for name in inputs:
        yield from linear(arch, f"{prefix}.{name}", arch.expert_width, hidden, arch.experts)
    yield from linear(arch, f"{prefix}.{output}", hidden, arch.expert_width, arch.experts)


def feed_forward(arch: Architecture, prefix: str, width: int) -> Iterator[Tensor]:
    yield from linear(arch, f"{prefix}.gate_proj", width, arch.hidden)
    yield from linear(arch, f"{prefix}.up_proj", width, arch.hidden)
    yield from linear(arch, f"{prefix}.down_proj", arch.hidden, width)


def lettered(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    """Nemotron-H: a layer is a mixer, or a feed-forward block, or experts in a narrower space."""
    letters = block_letters(arch.table, "hybrid_override_pattern", "layers_block_type")
    letter = letters[number] if number < len(letters) else ""
    if letter == "-":
        yield from linear(arch, f"{prefix}.up_proj", arch.width, arch.hidden)
        yield from linear(arch, f"{prefix}.down_proj", arch.hidden, arch.width)
    elif letter == "E":
        narrow = count_in(arch.table, "moe_latent_size")
        yield Tensor(f"{prefix}.gate.weight", "BF16", (arch.experts, arch.hidden))
        yield from experts(arch, f"{prefix}.experts.*", UNGATED, narrow or arch.hidden)
        if narrow:
            yield from linear(arch, f"{prefix}.fc1_latent_proj", narrow, arch.hidden)
            yield from linear(arch, f"{prefix}.fc2_latent_proj", arch.hidden, narrow)
        if arch.shared_width:
            shared = f"{prefix}.shared_experts"
            yield from linear(arch, f"{shared}.up_proj", arch.shared_width, arch.hidden)
            yield from linear(arch, f"{shared}.down_proj", arch.hidden, arch.shared_width)
