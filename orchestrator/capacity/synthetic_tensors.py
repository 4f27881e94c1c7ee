"""The tensors that a known family of models has, computed where no header can be read; pure."""

from collections.abc import Iterator
from math import ceil

from orchestrator.capacity.architecture import Architecture, Vision
from orchestrator.capacity.tensors import Tensor

PLAIN = {"float32": "F32", "float16": "F16"}


def known_tensors(arch: Architecture) -> tuple[Tensor, ...]:
    """Empty for a family that is not known."""
    if not arch.family or not arch.layers or not arch.hidden:
        return ()
    return tuple(every_tensor(arch))


def every_tensor(arch: Architecture) -> Iterator[Tensor]:
    plain = PLAIN.get(arch.dtype, "BF16")
    yield Tensor("model.embed_tokens.weight", plain, (arch.vocab, arch.hidden))
    yield Tensor("model.norm.weight", plain, (arch.hidden,))
    if not arch.tied:
        yield Tensor("lm_head.weight", plain, (arch.vocab, arch.hidden))
    for number, kind in enumerate(arch.layers):
        prefix = f"model.layers.{number}"
        yield Tensor(f"{prefix}.input_layernorm.weight", plain, (arch.hidden,))
        yield Tensor(f"{prefix}.post_attention_layernorm.weight", plain, (arch.hidden,))
        if kind == "linear" and arch.linear:
            yield from linear_attention(arch, f"{prefix}.linear_attn")
        elif arch.latent:
            yield from latent_attention(arch, f"{prefix}.self_attn")
        else:
            yield from attention(arch, f"{prefix}.self_attn")
        if arch.family == "moe" and number >= arch.dense_layers:
            yield from mixture(arch, f"{prefix}.mlp")
        else:
            yield from feed_forward(arch, f"{prefix}.mlp", arch.width)
    if arch.vision:
        yield from vision_tower(arch.vision, plain)


def linear(
    arch: Architecture, name: str, rows: int, columns: int, count: int = 1
) -> Iterator[Tensor]:
    """A projection, quantised as the checkpoint is."""
    if arch.kind == "gpt_oss" and ".experts." not in name:
        yield Tensor(f"{name}.weight", "BF16", (rows, columns), count)
    elif arch.bits == 8 and arch.quantization == "fp8":
        yield Tensor(f"{name}.weight", "F8_E4M3", (rows, columns), count)
        if arch.block:
            blocks = (ceil(rows / arch.block), ceil(columns / arch.block))
            yield Tensor(f"{name}.weight_scale_inv", "F32", blocks, count)
    elif arch.bits in (2, 3, 4, 8) and arch.quantization:
        group = arch.block or (32 if arch.quantization == "mxfp4" else 128)
        groups = ceil(columns / group)
        yield Tensor(f"{name}.qweight", "U8", (ceil(rows * arch.bits / 8), columns), count)
        if arch.quantization == "mxfp4":
            yield Tensor(f"{name}.scales", "U8", (groups, rows), count)
        else:
            yield Tensor(f"{name}.scales", "F16", (groups, rows), count)
            yield Tensor(f"{name}.qzeros", "U8", (groups, ceil(rows * arch.bits / 8)), count)
    else:
        yield Tensor(f"{name}.weight", PLAIN.get(arch.dtype, "BF16"), (rows, columns), count)


def attention(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    gated = 2 if arch.linear else 1  # Qwen3-Next's queries carry their output gate
    query, keys = arch.heads * arch.head_dim, arch.kv_heads * arch.head_dim
    yield from linear(arch, f"{prefix}.q_proj", gated * query, arch.hidden)
    yield from linear(arch, f"{prefix}.k_proj", keys, arch.hidden)
    yield from linear(arch, f"{prefix}.v_proj", keys, arch.hidden)
    yield from linear(arch, f"{prefix}.o_proj", arch.hidden, query)


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


def linear_attention(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    state = arch.linear
    assert state
    keys, values = state.key_heads * state.key_dim, state.value_heads * state.value_dim
    yield from linear(arch, f"{prefix}.in_proj_qkvz", 2 * keys + 2 * values, arch.hidden)
    yield Tensor(f"{prefix}.in_proj_ba.weight", "BF16", (2 * state.value_heads, arch.hidden))
    yield Tensor(f"{prefix}.conv1d.weight", "BF16", (2 * keys + values, 1, state.kernel))
    yield from linear(arch, f"{prefix}.out_proj", arch.hidden, values)


def mixture(arch: Architecture, prefix: str) -> Iterator[Tensor]:
    width, hidden, experts = arch.expert_width, arch.hidden, arch.experts
    yield Tensor(f"{prefix}.gate.weight", "BF16", (experts, hidden))
    yield from linear(arch, f"{prefix}.experts.*.gate_proj", width, hidden, experts)
    yield from linear(arch, f"{prefix}.experts.*.up_proj", width, hidden, experts)
    yield from linear(arch, f"{prefix}.experts.*.down_proj", hidden, width, experts)
    if arch.shared_width:
        yield from feed_forward(arch, f"{prefix}.shared_expert", arch.shared_width)


def feed_forward(arch: Architecture, prefix: str, width: int) -> Iterator[Tensor]:
    yield from linear(arch, f"{prefix}.gate_proj", width, arch.hidden)
    yield from linear(arch, f"{prefix}.up_proj", width, arch.hidden)
    yield from linear(arch, f"{prefix}.down_proj", arch.hidden, width)


def vision_tower(tower: Vision, plain: str) -> Iterator[Tensor]:
    """Blocks of attention and a two-layer perceptron; a merger for the last and each deep layer."""
    hidden = tower.hidden
    yield Tensor("visual.patch_embed.proj.weight", plain, (hidden, 3, 2, tower.patch, tower.patch))
    for number in range(tower.depth):
        prefix = f"visual.blocks.{number}"
        yield Tensor(f"{prefix}.attn.qkv.weight", plain, (3 * hidden, hidden))
        yield Tensor(f"{prefix}.attn.proj.weight", plain, (hidden, hidden))
        yield Tensor(f"{prefix}.mlp.linear_fc1.weight", plain, (tower.width, hidden))
        yield Tensor(f"{prefix}.mlp.linear_fc2.weight", plain, (hidden, tower.width))
    merged = hidden * tower.merge**2
    for number in range(1 + tower.deepstack):
        yield Tensor(f"visual.merger.{number}.linear_fc1.weight", plain, (merged, merged))
        yield Tensor(f"visual.merger.{number}.linear_fc2.weight", plain, (tower.out, merged))
