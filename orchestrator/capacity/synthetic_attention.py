"""The projections of each kind of attention, by its sizes; pure."""

from collections.abc import Iterator

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.config_json import count_in
from orchestrator.capacity.stored_linear import linear, plain_dtype
from orchestrator.capacity.tensors import Tensor

FUSED = ("qwen3_next",)  # stores the inputs of a linear layer as one tensor


def attention_of(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    """Of one layer; `prefix` is the layer's."""
    kind = arch.layers[number]
    if kind == "mamba" and arch.mamba:
        yield from mamba_mixer(arch, f"{prefix}.{'mixer' if is_nemotron(arch) else 'mamba'}")
    elif kind == "linear" and arch.linear:
        if arch.linear.gate_rank:
            yield from delta_attention(arch, f"{prefix}.self_attn")
        else:
            yield from linear_attention(arch, f"{prefix}.linear_attn")
    elif kind == "compressed":
        yield from compressed_attention(arch, number, f"{prefix}.attn")
    elif arch.latent:
        yield from latent_attention(arch, f"{prefix}.self_attn")
        if arch.sparse.index_dim and arch.sparse.index_layers[number]:
            yield from indexer(arch, f"{prefix}.self_attn.indexer")
    elif kind != "none" or count_in(arch.table, "num_kv_shared_layers"):
        yield from attention(arch, number, attention_name(arch, prefix))


def is_nemotron(arch: Architecture) -> bool:
    return arch.family == "nemotron"


def attention_name(arch: Architecture, prefix: str) -> str:
    return f"{prefix}.mixer" if is_nemotron(arch) else f"{prefix}.self_attn"


def attention(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    """Keys and values, or queries alone where a layer reads those of another."""
    gated = 2 if arch.linear else 1  # Qwen3-Next's queries carry their output gate
    own = arch.heads_of(number)
    heads = arch.heads
    if arch.layers[number] == "sliding":
        heads = count_in(arch.table, "swa_num_attention_heads", default=heads)
    yield from linear(arch, f"{prefix}.q_proj", gated * heads * own.key, arch.hidden)
    if arch.layers[number] != "none":
        yield from linear(arch, f"{prefix}.k_proj", own.count * own.key, arch.hidden)
        yield from linear(arch, f"{prefix}.v_proj", own.count * own.value, arch.hidden)
    yield from linear(arch, f"{prefix}.o_proj", arch.hidden, heads * own.value)


def latent_attention(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    query = arch.heads * (arch.nope_dim + arch.rope_dim)
    rank = arch.latent - arch.rope_dim
    if arch.q_lora:
        yield from linear(arch, f"{prefix}.q_a_proj", arch.q_lora, arch.hidden)
        yield from linear(arch, f"{prefix}.q_b_proj", query, arch.q_lora)
    else:
        yield from linear(arch, f"{prefix}.q_proj", query, arch.hidden)
    yield from linear(arch, f"{prefix}.kv_a_proj_with_mqa", arch.latent, arch.hidden)
    expanded = arch.heads * (arch.nope_dim + arch.value_dim)
    yield from linear(arch, f"{prefix}.kv_b_proj", expanded, rank)
    yield from linear(arch, f"{prefix}.o_proj", arch.hidden, arch.heads * arch.value_dim)


def indexer(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    heads, size = arch.sparse.index_heads, arch.sparse.index_dim
    yield from linear(arch, f"{prefix}.wq_b", heads * size, arch.q_lora or arch.hidden)
    yield from linear(arch, f"{prefix}.wk", size, arch.hidden)
    yield Tensor(f"{prefix}.weights_proj.weight", plain_dtype(arch), (heads, arch.hidden))


def compressed_attention(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    """DeepSeek V4: one key and value a token, outputs through groups of low rank."""
    table, size = arch.table, arch.head_dim
    ratio = arch.sparse.ratios[number] if number < len(arch.sparse.ratios) else 0
    groups, rank = count_in(table, "o_groups", default=1), count_in(table, "o_lora_rank")
    yield from linear(arch, f"{prefix}.wq_a", arch.q_lora, arch.hidden)
    yield from linear(arch, f"{prefix}.wq_b", arch.heads * size, arch.q_lora)
    yield from linear(arch, f"{prefix}.wkv", size, arch.hidden)
    yield from linear(arch, f"{prefix}.wo_a", groups * rank, arch.heads * size // groups)
    yield from linear(arch, f"{prefix}.wo_b", arch.hidden, groups * rank)
    if ratio:
        yield from compressor(arch, f"{prefix}.compressor", size * (2 if ratio == 4 else 1))
    if ratio == 4 and arch.sparse.index_dim:
        width = arch.sparse.index_dim
        yield from linear(
            arch, f"{prefix}.indexer.wq_b", arch.sparse.index_heads * width, arch.q_lora
        )
        yield from compressor(arch, f"{prefix}.indexer.compressor", 2 * width)


def compressor(arch: Architecture, prefix: str, width: int) -> Iterator[Tensor]:
    for name in ("wkv", "wgate"):
        yield Tensor(f"{prefix}.{name}.weight", "F32", (width, arch.hidden))


def linear_attention(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    state = arch.linear
    assert state
    keys, values = state.key_heads * state.key_dim, state.value_heads * state.value_dim
    if arch.kind in FUSED:
        yield from linear(arch, f"{prefix}.in_proj_qkvz", 2 * keys + 2 * values, arch.hidden)
    else:
        yield from linear(arch, f"{prefix}.in_proj_qkv", 2 * keys + values, arch.hidden)
        yield from linear(arch, f"{prefix}.in_proj_z", values, arch.hidden)
    yield Tensor(f"{prefix}.in_proj_ba.weight", "BF16", (2 * state.value_heads, arch.hidden))
    yield Tensor(f"{prefix}.conv1d.weight", "BF16", (2 * keys + values, 1, state.kernel))
    yield from linear(arch, f"{prefix}.out_proj", arch.hidden, values)


def delta_attention(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    """KDA: gates of low rank, a convolution each for queries, keys and values."""
    state = arch.linear
    assert state
    width, rank = state.value_heads * state.value_dim, state.gate_rank
    for name in ("q_proj", "k_proj", "v_proj"):
        yield from linear(arch, f"{prefix}.{name}", width, arch.hidden)
        yield Tensor(f"{prefix}.{name[0]}_conv1d.weight", "BF16", (width, 1, state.kernel))
    for name in ("f", "g"):
        yield from linear(arch, f"{prefix}.{name}_a_proj", rank, arch.hidden)
        yield from linear(arch, f"{prefix}.{name}_b_proj", width, rank)
    yield from linear(arch, f"{prefix}.b_proj", state.value_heads, arch.hidden)
    yield from linear(arch, f"{prefix}.o_proj", arch.hidden, width)


def mamba_mixer(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    mamba = arch.mamba
    assert mamba
    channels = mamba.inner + 2 * mamba.groups * mamba.state
    yield from linear(arch, f"{prefix}.in_proj", mamba.inner + channels + mamba.heads, arch.hidden)
    yield Tensor(f"{prefix}.conv1d.weight", "BF16", (channels, 1, mamba.kernel))
    yield from linear(arch, f"{prefix}.out_proj", arch.hidden, mamba.inner)
