"""The tensors that a known family of models has, computed where no header can be read; pure."""

from collections.abc import Iterator
from math import ceil

from orchestrator.capacity.architecture import Shape, Vision
from orchestrator.capacity.tensors import Tensor

PLAIN = {"float32": "F32", "float16": "F16"}


def known_tensors(shape: Shape) -> tuple[Tensor, ...]:
    """Empty for a family that is not known."""
    if not shape.family or not shape.layers or not shape.hidden:
        return ()
    return tuple(every_tensor(shape))


def every_tensor(shape: Shape) -> Iterator[Tensor]:
    plain = PLAIN.get(shape.dtype, "BF16")
    yield Tensor("model.embed_tokens.weight", plain, (shape.vocab, shape.hidden))
    yield Tensor("model.norm.weight", plain, (shape.hidden,))
    if not shape.tied:
        yield Tensor("lm_head.weight", plain, (shape.vocab, shape.hidden))
    for number, kind in enumerate(shape.layers):
        prefix = f"model.layers.{number}"
        yield Tensor(f"{prefix}.input_layernorm.weight", plain, (shape.hidden,))
        yield Tensor(f"{prefix}.post_attention_layernorm.weight", plain, (shape.hidden,))
        if kind == "linear" and shape.linear:
            yield from linear_attention(shape, f"{prefix}.linear_attn")
        elif shape.latent:
            yield from latent_attention(shape, f"{prefix}.self_attn")
        else:
            yield from attention(shape, f"{prefix}.self_attn")
        if shape.family == "moe" and number >= shape.dense_layers:
            yield from mixture(shape, f"{prefix}.mlp")
        else:
            yield from feed_forward(shape, f"{prefix}.mlp", shape.width)
    if shape.vision:
        yield from vision_tower(shape.vision, plain)


def linear(shape: Shape, name: str, rows: int, columns: int, count: int = 1) -> Iterator[Tensor]:
    """A projection, quantised as the checkpoint is."""
    if shape.kind == "gpt_oss" and ".experts." not in name:
        yield Tensor(f"{name}.weight", "BF16", (rows, columns), count)
    elif shape.bits == 8 and shape.quantization == "fp8":
        yield Tensor(f"{name}.weight", "F8_E4M3", (rows, columns), count)
        if shape.block:
            blocks = (ceil(rows / shape.block), ceil(columns / shape.block))
            yield Tensor(f"{name}.weight_scale_inv", "F32", blocks, count)
    elif shape.bits in (2, 3, 4, 8) and shape.quantization:
        group = shape.block or (32 if shape.quantization == "mxfp4" else 128)
        groups = ceil(columns / group)
        yield Tensor(f"{name}.qweight", "U8", (ceil(rows * shape.bits / 8), columns), count)
        if shape.quantization == "mxfp4":
            yield Tensor(f"{name}.scales", "U8", (groups, rows), count)
        else:
            yield Tensor(f"{name}.scales", "F16", (groups, rows), count)
            yield Tensor(f"{name}.qzeros", "U8", (groups, ceil(rows * shape.bits / 8)), count)
    else:
        yield Tensor(f"{name}.weight", PLAIN.get(shape.dtype, "BF16"), (rows, columns), count)


def attention(shape: Shape, prefix: str) -> Iterator[Tensor]:
    gated = 2 if shape.linear else 1  # Qwen3-Next's queries carry their output gate
    query, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    yield from linear(shape, f"{prefix}.q_proj", gated * query, shape.hidden)
    yield from linear(shape, f"{prefix}.k_proj", keys, shape.hidden)
    yield from linear(shape, f"{prefix}.v_proj", keys, shape.hidden)
    yield from linear(shape, f"{prefix}.o_proj", shape.hidden, query)


def latent_attention(shape: Shape, prefix: str) -> Iterator[Tensor]:
    query = shape.heads * (shape.nope_dim + shape.rope_dim)
    rank = shape.latent - shape.rope_dim
    if shape.q_lora:
        yield from linear(shape, f"{prefix}.q_a_proj", shape.q_lora, shape.hidden)
        yield from linear(shape, f"{prefix}.q_b_proj", query, shape.q_lora)
    else:
        yield from linear(shape, f"{prefix}.q_proj", query, shape.hidden)
    yield from linear(shape, f"{prefix}.kv_a_proj_with_mqa", shape.latent, shape.hidden)
    expanded = shape.heads * (shape.nope_dim + shape.value_dim)
    yield from linear(shape, f"{prefix}.kv_b_proj", expanded, rank)
    yield from linear(shape, f"{prefix}.o_proj", shape.hidden, shape.heads * shape.value_dim)


def linear_attention(shape: Shape, prefix: str) -> Iterator[Tensor]:
    state = shape.linear
    assert state
    keys, values = state.key_heads * state.key_dim, state.value_heads * state.value_dim
    yield from linear(shape, f"{prefix}.in_proj_qkvz", 2 * keys + 2 * values, shape.hidden)
    yield Tensor(f"{prefix}.in_proj_ba.weight", "BF16", (2 * state.value_heads, shape.hidden))
    yield Tensor(f"{prefix}.conv1d.weight", "BF16", (2 * keys + values, 1, state.kernel))
    yield from linear(shape, f"{prefix}.out_proj", shape.hidden, values)


def mixture(shape: Shape, prefix: str) -> Iterator[Tensor]:
    width, hidden, experts = shape.expert_width, shape.hidden, shape.experts
    yield Tensor(f"{prefix}.gate.weight", "BF16", (experts, hidden))
    yield from linear(shape, f"{prefix}.experts.*.gate_proj", width, hidden, experts)
    yield from linear(shape, f"{prefix}.experts.*.up_proj", width, hidden, experts)
    yield from linear(shape, f"{prefix}.experts.*.down_proj", hidden, width, experts)
    if shape.shared_width:
        yield from feed_forward(shape, f"{prefix}.shared_expert", shape.shared_width)


def feed_forward(shape: Shape, prefix: str, width: int) -> Iterator[Tensor]:
    yield from linear(shape, f"{prefix}.gate_proj", width, shape.hidden)
    yield from linear(shape, f"{prefix}.up_proj", width, shape.hidden)
    yield from linear(shape, f"{prefix}.down_proj", shape.hidden, width)


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
