"""Mistral's own format: params.json and consolidated.safetensors, in the hub's words; pure.

After adapt_config_dict of vLLM's transformers_utils/configs/mistral.py.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.capacity.config_json import ConfigTable, inner
from orchestrator.capacity.tensors import Tensor

KEYS = {
    "dim": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "hidden_dim": "intermediate_size",
    "vocab_size": "vocab_size",
    "tied_embeddings": "tie_word_embeddings",
    "q_lora_rank": "q_lora_rank",
    "kv_lora_rank": "kv_lora_rank",
    "qk_rope_head_dim": "qk_rope_head_dim",
    "qk_nope_head_dim": "qk_nope_head_dim",
    "v_head_dim": "v_head_dim",
}
MOE_KEYS = {
    "num_experts": "num_local_experts",
    "num_experts_per_tok": "num_experts_per_tok",
    "expert_hidden_dim": "moe_intermediate_size",
    "num_shared_experts": "n_shared_experts",
    "first_k_dense_replace": "first_k_dense_replace",
}
POSITIONS = ("max_position_embeddings", "max_seq_len", "model_max_length")
DEFAULT_POSITIONS = 128_000  # vLLM's, where params.json says nothing
NAMES = (
    (re.compile(r"^tok_embeddings\."), "model.embed_tokens."),
    (re.compile(r"^output\."), "lm_head."),
    (re.compile(r"\.attention\.w([qkvo])\."), r".self_attn.\1_proj."),
    (re.compile(r"\.feed_forward\.w1\."), ".mlp.gate_proj."),
    (re.compile(r"\.feed_forward\.w2\."), ".mlp.down_proj."),
    (re.compile(r"\.feed_forward\.w3\."), ".mlp.up_proj."),
    (re.compile(r"^layers\."), "model.layers."),
)


def is_params(config: ConfigTable) -> bool:
    return "model_type" not in config and "dim" in config and "n_layers" in config


def config_of_params(params: ConfigTable) -> dict[str, Any]:
    """As a config.json would say it."""
    moe = inner(params, "moe")
    found = {new: params[old] for old, new in KEYS.items() if params.get(old) is not None}
    found |= {new: moe[old] for old, new in MOE_KEYS.items() if moe.get(old) is not None}
    kind = "deepseek_v3" if params.get("kv_lora_rank") else "mixtral" if moe else "mistral"
    positions = next((params[key] for key in POSITIONS if params.get(key)), DEFAULT_POSITIONS)
    found |= {
        "model_type": kind,
        "architectures": ["MistralForCausalLM" if kind == "mistral" else "MixtralForCausalLM"],
        "torch_dtype": "bfloat16",
        "max_position_embeddings": positions,
        **mistral_quantisation(inner(params, "quantization")),
    }
    window = params.get("sliding_window")
    return {**found, "sliding_window": window} if isinstance(window, int) else found


def mistral_quantisation(table: Mapping[str, Any]) -> dict[str, Any]:
    """Mistral says `qformat_weight: fp8_e4m3`, or a table of compressed-tensors."""
    if table.get("qformat_weight") == "fp8_e4m3":
        return {"quantization_config": {"quant_method": "fp8"}}
    return {"quantization_config": dict(table)} if table.get("quant_method") else {}


def renamed(tensor: Tensor) -> Tensor:
    name = tensor.name
    for pattern, new in NAMES:
        name = pattern.sub(new, name)
    return replace(tensor, name=name)
