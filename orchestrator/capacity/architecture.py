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
    count_in,
    inner,
    text_in,
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
    kind = text_in(language, "model_type") or text_in(config, "model_type")
    table = {**DEFAULTS.get(kind, {}), **language}
    hidden = count_in(table, "hidden_size", "n_embd", "d_model")
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else ""
    quantization, bits, block = quantization_of(config, language)
    return Architecture(
        name=first if isinstance(first, str) else "",
        family=FAMILIES.get(kind, ""),
        kind=kind,
        layers=layer_kinds(table),
        hidden=hidden,
        vocab=count_in(table, "vocab_size"),
        linear=linear_of(table),
        quantization=quantization,
        bits=bits,
        block=block,
        dtype=text_in(table, "dtype", "torch_dtype") or text_in(config, "dtype", "torch_dtype"),
        positions=count_in(table, "max_position_embeddings", "n_positions"),
        tied=(table.get("tie_word_embeddings", config.get("tie_word_embeddings")) is True),
        vision=vision_of(inner(config, "vision_config")),
        **attention_sizes(table, hidden),
        **feed_forward_sizes(table, hidden),
    )


def attention_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    heads = count_in(table, "num_attention_heads", "n_head")
    latent, rope = count_in(table, "kv_lora_rank"), count_in(table, "qk_rope_head_dim")
    return {
        "heads": heads,
        "kv_heads": count_in(table, "num_key_value_heads", default=heads),
        "head_dim": count_in(table, "head_dim", default=hidden // heads if heads else 0),
        "window": count_in(table, "sliding_window", "attention_chunk_size"),
        "latent": latent + rope if latent else 0,
        "q_lora": count_in(table, "q_lora_rank"),
        "nope_dim": count_in(table, "qk_nope_head_dim"),
        "rope_dim": rope,
        "value_dim": count_in(table, "v_head_dim"),
    }


def feed_forward_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    return {
        "experts": count_in(table, "num_experts", "n_routed_experts", "num_local_experts"),
        "top_k": count_in(table, "num_experts_per_tok", "top_k_experts", default=1),
        "expert_width": count_in(table, "moe_intermediate_size", "intermediate_size"),
        "shared_width": shared_width(table),
        "width": count_in(table, "intermediate_size", "n_inner", default=4 * hidden),
        "dense_layers": count_in(table, "first_k_dense_replace"),
    }


def shared_width(table: ConfigTable) -> int:
    whole = count_in(table, "shared_expert_intermediate_size")
    return whole or count_in(table, "n_shared_experts") * count_in(table, "moe_intermediate_size")


def layer_kinds(table: ConfigTable) -> tuple[str, ...]:
    count = min(count_in(table, "num_hidden_layers", "n_layer"), MOST_LAYERS)
    listed = table.get("layer_types")
    if isinstance(listed, list) and listed:
        kinds = tuple(
            KINDS.get(each, "full") if isinstance(each, str) else "full" for each in listed
        )
        return (*kinds, *["full"] * count)[:count] if count else kinds[:MOST_LAYERS]
    every = count_in(table, "full_attention_interval")
    if every and count_in(table, "linear_num_value_heads"):
        return tuple("full" if (n + 1) % every == 0 else "linear" for n in range(count))
    if not count_in(table, "sliding_window") or table.get("use_sliding_window") is False:
        return ("full",) * count
    pattern = count_in(table, "sliding_window_pattern")
    if pattern:
        return tuple("full" if (n + 1) % pattern == 0 else "sliding" for n in range(count))
    return ("sliding",) * count


def linear_of(table: ConfigTable) -> Linear | None:
    if not count_in(table, "linear_num_value_heads"):
        return None
    return Linear(
        key_heads=count_in(table, "linear_num_key_heads", default=1),
        value_heads=count_in(table, "linear_num_value_heads"),
        key_dim=count_in(table, "linear_key_head_dim", default=128),
        value_dim=count_in(table, "linear_value_head_dim", default=128),
        kernel=count_in(table, "linear_conv_kernel_dim", default=4),
    )


def vision_of(table: ConfigTable) -> Vision | None:
    depth = min(count_in(table, "depth", "num_hidden_layers"), MOST_LAYERS)
    hidden = count_in(table, "hidden_size", "embed_dim")
    if not depth or not hidden:
        return None
    deepstack = table.get("deepstack_visual_indexes")
    return Vision(
        depth=depth,
        hidden=hidden,
        width=count_in(table, "intermediate_size", default=4 * hidden),
        out=count_in(table, "out_hidden_size", default=hidden),
        patch=count_in(table, "patch_size", default=14),
        merge=count_in(table, "spatial_merge_size", default=1),
        deepstack=len(deepstack) if isinstance(deepstack, list) else 0,
    )


def quantization_of(config: ConfigTable, language: ConfigTable) -> tuple[str, int, int]:
    """(method or nothing, bits a weight, size of a block or group)."""
    table = inner(config, "quantization_config") or inner(language, "quantization_config")
    method = text_in(table, "quant_method").lower()
    blocks = table.get("weight_block_size")
    block = count_in({"block": blocks[0]}, "block") if isinstance(blocks, list) and blocks else 0
    wide = {"fp8": 8, "mxfp4": 4, "modelopt_fp4": 4}.get(method, 0)
    return (
        method,
        count_in(table, "bits", "w_bit", default=wide),
        block or count_in(table, "group_size"),
    )
