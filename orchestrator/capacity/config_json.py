"""What a config.json may hold: the known families of models, and how to read it warily; pure."""

from collections.abc import Mapping
from typing import Any

ConfigTable = Mapping[str, Any]
MOST = 1 << 40
MOST_LAYERS = 4096
KINDS = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "linear",
    "mamba": "mamba",
    "mamba2": "mamba",
    "deepseek_sparse_attention": "full",
    "moe": "none",
    "mlp": "none",
}
SLIDING_FAMILIES = ("mistral", "mixtral")  # a window without a list is every layer's
# what these leave out of config.json: the defaults of transformers' class
DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "vocab_size": 262208,
        "max_position_embeddings": 131072,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "sliding_window_pattern": 6,
        "tie_word_embeddings": True,
    },
}
# how the layers of a family are built and what they cache is known; others are estimated
FAMILIES = {
    "llama": "dense",
    "mistral": "dense",
    "mimo": "dense",
    "qwen2": "dense",
    "qwen3": "dense",
    "qwen3_vl_text": "dense",
    "gemma3_text": "dense",
    "nemotron-nas": "dense",
    "qwen3_5_text": "dense",
    "gemma4_text": "gemma4",
    "qwen3_moe": "moe",
    "qwen3_vl_moe_text": "moe",
    "mixtral": "moe",
    "minimax_m2": "moe",
    "gpt_oss": "moe",
    "qwen3_next": "moe",
    "qwen3_5_moe_text": "moe",
    "llama4_text": "moe",
    "mimo_v2_flash": "moe",
    "deepseek_v2": "moe",
    "deepseek_v3": "moe",
    "deepseek_v32": "moe",
    "glm_moe_dsa": "moe",
    "kimi_k2": "moe",
    "kimi_linear": "moe",
    "nemotron_h": "nemotron",
    "deepseek_v4": "deepseek_v4",
}


def count_in(table: ConfigTable, *keys: str, default: int = 0) -> int:
    """The first of the keys that holds a sane count."""
    for key in keys:
        value = table.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST:
            return value
    return default


def text_in(table: ConfigTable, *keys: str) -> str:
    values = (table.get(key) for key in keys)
    return next((value for value in values if isinstance(value, str)), "")


def inner(config: ConfigTable, *keys: str) -> ConfigTable:
    for key in keys:
        value = config.get(key)
        if isinstance(value, Mapping) and value:
            return value
    return {}
