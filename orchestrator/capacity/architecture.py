"""config.json -> the sizes that decide how much memory a model needs; pure.

Nothing in a config.json is trusted: what is missing or invalid becomes 0 or a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.capacity.config_json import (
    DEFAULTS,
    FAMILIES,
    MOST_LAYERS,
    ConfigTable,
    count_in,
    inner,
    text_in,
)
from orchestrator.capacity.layer_kinds import layer_kinds
from orchestrator.capacity.positions import positions_of
from orchestrator.capacity.quantization import Quantization, read_quantization
from orchestrator.capacity.recurrent import Linear, Mamba, linear_of, mamba_of, state_dtype
from orchestrator.capacity.sparse import Sparse, sparse_of


@dataclass(frozen=True)
class Heads:
    """KV heads of a layer, elements of a key and of a value."""

    count: int
    key: int
    value: int


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
    """Sizes in elements; `layers` is what each layer keeps (layer_kinds.py), `unknown_layers`
    what of that could not be read; `other_heads` are by kind or layer where they differ."""

    name: str
    family: str
    kind: str
    layers: tuple[str, ...]
    unknown_layers: tuple[str, ...]
    hidden: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    value_head_dim: int
    other_heads: Mapping[str, Heads]
    window: int
    latent: int  # MLA: elements a token and layer, in place of keys and values; else 0
    q_lora: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    linear: Linear | None
    mamba: Mamba | None
    state_dtype: str  # of a recurrent state; nothing where it is the model's
    sparse: Sparse
    experts: int
    top_k: int
    expert_width: int
    shared_width: int
    width: int
    moe_layers: tuple[bool, ...]
    draft_layers: int  # of multi-token prediction
    quant: Quantization
    dtype: str
    positions: int
    tied: bool
    vision: Vision | None
    table: ConfigTable

    @property
    def quantization(self) -> str:
        return self.quant.method

    @property
    def block(self) -> int:
        """Of FP8's square blocks, 0 without."""
        return self.quant.default.block if self.quant.default else 0

    def heads_of(self, layer: int) -> Heads:
        """What a layer with keys and values keeps of them."""
        kind = self.layers[layer] if layer < len(self.layers) else "full"
        plain = Heads(self.kv_heads, self.head_dim, self.value_head_dim)
        return self.other_heads.get(str(layer)) or self.other_heads.get(kind, plain)


def read_architecture(config: ConfigTable) -> Architecture:
    """Never raises: whatever stands there, the answer is an Architecture."""
    language = inner(config, "text_config", "llm_config", "language_config") or config
    kind = text_in(language, "model_type") or text_in(config, "model_type")
    table = {**DEFAULTS.get(kind, {}), **language}
    hidden = count_in(table, "hidden_size", "n_embd", "d_model")
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else ""
    kinds, unknown = layer_kinds(table)
    return Architecture(
        name=first if isinstance(first, str) else "",
        family=FAMILIES.get(kind, ""),
        kind=kind,
        layers=kinds,
        unknown_layers=unknown,
        hidden=hidden,
        vocab=count_in(table, "vocab_size"),
        linear=linear_of(table),
        mamba=mamba_of(table),
        state_dtype=state_dtype(kind, table),
        sparse=sparse_of(table, len(kinds)),
        moe_layers=moe_layers(table, len(kinds)),
        draft_layers=draft_layers(table),
        quant=read_quantization(config, language),
        dtype=text_in(table, "dtype", "torch_dtype") or text_in(config, "dtype", "torch_dtype"),
        positions=positions_of(table),
        tied=(table.get("tie_word_embeddings", config.get("tie_word_embeddings")) is True),
        vision=vision_of(inner(config, "vision_config")),
        table=table,
        **attention_sizes(table, hidden),
        **feed_forward_sizes(table, hidden),
    )


def attention_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    heads = count_in(table, "num_attention_heads", "n_head")
    latent, rope = count_in(table, "kv_lora_rank"), count_in(table, "qk_rope_head_dim")
    kv_heads = count_in(table, "num_key_value_heads", "num_query_groups", default=heads)
    head_dim = count_in(
        table, "head_dim", "attention_head_dim", default=hidden // heads if heads else 0
    )
    value = count_in(table, "v_head_dim", default=head_dim)
    return {
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "value_head_dim": head_dim if latent else value,
        "other_heads": other_heads(table, heads),
        "window": count_in(table, "sliding_window", "attention_chunk_size"),
        "latent": latent + rope if latent else 0,
        "q_lora": count_in(table, "q_lora_rank"),
        "nope_dim": count_in(table, "qk_nope_head_dim"),
        "rope_dim": rope,
        "value_dim": count_in(table, "v_head_dim"),
    }


def other_heads(table: ConfigTable, heads: int) -> dict[str, Heads]:
    """Gemma 4: full attention has its own; MiMo V2: the window has; Nemotron-NAS: each layer."""
    found = {}
    if size := count_in(table, "global_head_dim"):
        plain = count_in(table, "num_key_value_heads", default=heads)
        count = plain
        if table.get("attention_k_eq_v") is True:
            count = count_in(table, "num_global_key_value_heads", default=plain)
        found["full"] = Heads(count, size, size)
    if size := count_in(table, "swa_head_dim"):
        count = count_in(table, "swa_num_key_value_heads", default=heads)
        found["sliding"] = Heads(count, size, count_in(table, "swa_v_head_dim", default=size))
    blocks = table.get("block_configs")
    hidden = count_in(table, "hidden_size")
    for number, block in enumerate(blocks[:MOST_LAYERS] if isinstance(blocks, list) else ()):
        group = count_in(inner(block, "attention"), "n_heads_in_group") if block else 0
        if group and heads and hidden:
            found[str(number)] = Heads(max(1, heads // group), hidden // heads, hidden // heads)
    return found


def feed_forward_sizes(table: ConfigTable, hidden: int) -> dict[str, Any]:
    experts = ("num_experts", "n_routed_experts", "num_local_experts")
    top_k = ("num_experts_per_tok", "num_experts_per_token", "top_k_experts")
    dense = ("dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "n_inner")
    return {
        "experts": count_in(table, *experts),
        "top_k": count_in(table, *top_k, default=1),
        "expert_width": count_in(table, "moe_intermediate_size", "intermediate_size"),
        "shared_width": shared_width(table),
        "width": count_in(table, *dense, default=4 * hidden),
    }


def shared_width(table: ConfigTable) -> int:
    own = ("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size")
    whole = count_in(table, *own, "share_expert_dim", "shared_intermediate_size")
    shared = count_in(table, "n_shared_experts", "num_shared_experts")
    if text_in(table, "model_type") == "llama4_text":
        return count_in(table, "intermediate_size")
    return whole or shared * count_in(table, "moe_intermediate_size")


def moe_layers(table: ConfigTable, count: int) -> tuple[bool, ...]:
    """Which layers are a mixture of experts."""
    listed = table.get("mlp_layer_types")
    if isinstance(listed, list) and listed:
        return padded(tuple(each == "sparse" for each in listed), count)
    listed = table.get("moe_layer_freq")
    if isinstance(listed, list) and listed:
        return padded(tuple(each == 1 for each in listed), count)
    dense, every = table.get("mlp_only_layers"), count_in(table, "decoder_sparse_step", default=1)
    every = count_in(table, "interleave_moe_layer_step", default=every)
    skipped = {n for n in dense if isinstance(n, int)} if isinstance(dense, list) else set()
    first = count_in(table, "first_k_dense_replace")
    return tuple(n >= first and n not in skipped and (n + 1) % every == 0 for n in range(count))


def padded(flags: tuple[bool, ...], count: int) -> tuple[bool, ...]:
    return (*flags, *[True] * count)[:count]


def draft_layers(table: ConfigTable) -> int:
    keys = ("mtp_num_hidden_layers", "num_nextn_predict_layers")
    return min(count_in(table, *keys), 64)


def vision_of(table: ConfigTable) -> Vision | None:
    depth = min(count_in(table, "depth", "num_hidden_layers", "vt_num_hidden_layers"), MOST_LAYERS)
    hidden = count_in(table, "hidden_size", "embed_dim", "vt_hidden_size")
    if not depth or not hidden:
        return None
    deepstack = table.get("deepstack_visual_indexes")
    width = count_in(table, "intermediate_size", "vt_intermediate_size", default=4 * hidden)
    return Vision(
        depth=depth,
        hidden=hidden,
        width=width,
        out=count_in(table, "out_hidden_size", "text_hidden_size", default=hidden),
        patch=count_in(table, "patch_size", default=14),
        merge=count_in(table, "spatial_merge_size", default=1),
        deepstack=len(deepstack) if isinstance(deepstack, list) else 0,
    )
