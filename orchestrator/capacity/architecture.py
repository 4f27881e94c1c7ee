"""config.json -> the sizes that decide how much memory a model needs; pure.

Nothing in a config.json is trusted: what is missing or invalid becomes 0 or a default.
"""

from dataclasses import dataclass
from typing import Any

from orchestrator.capacity.config_json import (
    DEFAULTS,
    FAMILIES,
    KINDS,
    MOST_LAYERS,
    ConfigTable,
    inner,
    number,
    text,
)


@dataclass(frozen=True)
class Linear:
    """Linear attention (gated delta net): heads and their sizes."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int


@dataclass(frozen=True)
class Vision:
    depth: int
    hidden: int
    width: int
    out: int
    patch: int
    merge: int
    deepstack: int


@dataclass(frozen=True)
class Architecture:
    """Sizes in elements; `layers` is the attention of each layer: full, sliding or linear."""

    name: str
    family: str
    kind: str
    layers: tuple[str, ...]
    hidden: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    window: int
    latent: int  # MLA: elements a token and layer, in place of keys and values; else 0
    q_lora: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    linear: Linear | None
    experts: int
    top_k: int
    expert_width: int
    shared_width: int
    width: int
    dense_layers: int  # of a mixture: how many leading layers are dense
    quantization: str
    bits: int
    block: int
    dtype: str
    positions: int
    tied: bool
    vision: Vision | None


def read_architecture(config: ConfigTable) -> Architecture:
    """Never raises: whatever stands there, the answer is an Architecture."""
    language = inner(config, "text_config", "llm_config", "language_config") or config
    kind = text(language, "model_type") or text(config, "model_type")
    table = {**DEFAULTS.get(kind, {}), **language}
    hidden = number(table, "hidden_size", "n_embd", "d_model")
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else ""
    quantization, bits, block = quantization_of(config, language)
    return Architecture(
        name=first if isinstance(first, str) else "",
        family=FAMILIES.get(kind, ""),
        kind=kind,
        layers=layer_kinds(table),
        hidden=hidden,
        vocab=number(table, "vocab_size"),
        linear=linear_of(table),
        quantization=quantization,
        bits=bits,
        block=block,
        dtype=text(table, "dtype", "torch_dtype") or text(config, "dtype", "torch_dtype"),
        positions=number(table, "max_position_embeddings", "n_positions"),
        tied=(table.get("tie_word_embeddings", config.get("tie_word_embeddings")) is True),
        vision=vision_of(inner(config, "vision_config")),
        **attention_sizes(table, hidden),
        **feed_forward_sizes(table, hidden),
    )


def attention_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    heads = number(table, "num_attention_heads", "n_head")
    latent, rope = number(table, "kv_lora_rank"), number(table, "qk_rope_head_dim")
    return {
        "heads": heads,
        "kv_heads": number(table, "num_key_value_heads", default=heads),
        "head_dim": number(table, "head_dim", default=hidden // heads if heads else 0),
        "window": number(table, "sliding_window", "attention_chunk_size"),
        "latent": latent + rope if latent else 0,
        "q_lora": number(table, "q_lora_rank"),
        "nope_dim": number(table, "qk_nope_head_dim"),
        "rope_dim": rope,
        "value_dim": number(table, "v_head_dim"),
    }


def feed_forward_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    return {
        "experts": number(table, "num_experts", "n_routed_experts", "num_local_experts"),
        "top_k": number(table, "num_experts_per_tok", "top_k_experts", default=1),
        "expert_width": number(table, "moe_intermediate_size", "intermediate_size"),
        "shared_width": shared_width(table),
        "width": number(table, "intermediate_size", "n_inner", default=4 * hidden),
        "dense_layers": number(table, "first_k_dense_replace"),
    }


def shared_width(table: ConfigTable) -> int:
    whole = number(table, "shared_expert_intermediate_size")
    return whole or number(table, "n_shared_experts") * number(table, "moe_intermediate_size")


def layer_kinds(table: ConfigTable) -> tuple[str, ...]:
    count = min(number(table, "num_hidden_layers", "n_layer"), MOST_LAYERS)
    listed = table.get("layer_types")
    if isinstance(listed, list) and listed:
        kinds = tuple(
            KINDS.get(each, "full") if isinstance(each, str) else "full" for each in listed
        )
        return (*kinds, *["full"] * count)[:count] if count else kinds[:MOST_LAYERS]
    every = number(table, "full_attention_interval")
    if every and number(table, "linear_num_value_heads"):
        return tuple("full" if (n + 1) % every == 0 else "linear" for n in range(count))
    if not number(table, "sliding_window") or table.get("use_sliding_window") is False:
        return ("full",) * count
    pattern = number(table, "sliding_window_pattern")
    if pattern:
        return tuple("full" if (n + 1) % pattern == 0 else "sliding" for n in range(count))
    return ("sliding",) * count


def linear_of(table: ConfigTable) -> Linear | None:
    if not number(table, "linear_num_value_heads"):
        return None
    return Linear(
        key_heads=number(table, "linear_num_key_heads", default=1),
        value_heads=number(table, "linear_num_value_heads"),
        key_dim=number(table, "linear_key_head_dim", default=128),
        value_dim=number(table, "linear_value_head_dim", default=128),
        kernel=number(table, "linear_conv_kernel_dim", default=4),
    )


def vision_of(table: ConfigTable) -> Vision | None:
    depth = min(number(table, "depth", "num_hidden_layers"), MOST_LAYERS)
    hidden = number(table, "hidden_size", "embed_dim")
    if not depth or not hidden:
        return None
    deepstack = table.get("deepstack_visual_indexes")
    return Vision(
        depth=depth,
        hidden=hidden,
        width=number(table, "intermediate_size", default=4 * hidden),
        out=number(table, "out_hidden_size", default=hidden),
        patch=number(table, "patch_size", default=14),
        merge=number(table, "spatial_merge_size", default=1),
        deepstack=len(deepstack) if isinstance(deepstack, list) else 0,
    )


def quantization_of(config: ConfigTable, language: ConfigTable) -> tuple[str, int, int]:
    """(method or nothing, bits a weight, size of a block or group)."""
    table = inner(config, "quantization_config") or inner(language, "quantization_config")
    method = text(table, "quant_method").lower()
    blocks = table.get("weight_block_size")
    block = number({"block": blocks[0]}, "block") if isinstance(blocks, list) and blocks else 0
    wide = {"fp8": 8, "mxfp4": 4, "modelopt_fp4": 4}.get(method, 0)
    return (
        method,
        number(table, "bits", "w_bit", default=wide),
        block or number(table, "group_size"),
    )
