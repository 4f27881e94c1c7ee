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
    "chunked_attention": "sliding",
    "linear_attention": "linear",
}
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
FAMILIES = {
    "llama": "dense",
    "mistral": "dense",
    "qwen2": "dense",
    "qwen3": "dense",
    "gemma3_text": "dense",
    "qwen3_moe": "moe",
    "qwen3_vl_moe_text": "moe",
    "mixtral": "moe",
    "gpt_oss": "moe",
    "qwen3_next": "moe",
    "deepseek_v3": "moe",
    "deepseek_v2": "moe",
    "kimi_k2": "moe",
}
# FP8 with and without blocks, 4-bit with groups, NVIDIA's and OCP's 4-bit floats
QUANTIZATIONS = (
    "fp8",
    "awq",
    "gptq",
    "awq_marlin",
    "gptq_marlin",
    "compressed-tensors",
    "modelopt",
    "modelopt_fp4",
    "mxfp4",
    "bitsandbytes",
)


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
