"""What each layer of a model keeps in the KV cache, read from config.json; pure.

A kind is full, sliding, chunked, linear (gated delta net or KDA), mamba, compressed (DeepSeek V4),
or none: a layer without attention. Nothing is trusted: what is not known counts as full attention,
and its name is handed on, because then the KV cache is a guess.
"""

from collections.abc import Iterator
from typing import Any

from orchestrator.capacity.config_json import (
    KINDS,
    MOST_LAYERS,
    SLIDING_FAMILIES,
    ConfigTable,
    count_in,
    inner,
    text_in,
)

LETTERS = {"M": "mamba", "*": "full", "-": "none", "E": "none"}  # hybrid_override_pattern
NAMES = {"mamba": "M", "attention": "*", "moe": "E", "mlp": "-"}  # layers_block_type
Kinds = tuple[tuple[str, ...], tuple[str, ...]]  # of each layer; what could not be read


def layer_kinds(table: ConfigTable) -> Kinds:
    count = min(count_in(table, "num_hidden_layers", "n_layer"), MOST_LAYERS)
    for reader in (compressed_layers, named_layers, lettered_layers, kda_layers, flagged_layers):
        found = reader(table, count)
        if found is not None:
            kinds, unknown = found
            kinds = (*kinds, *["full"] * (count - len(kinds)))[: count or MOST_LAYERS]
            return shared_layers(table, kinds), unknown
    return computed_layers(table, count)


def compressed_layers(table: ConfigTable, count: int) -> Kinds | None:
    if not isinstance(table.get("compress_ratios"), list):
        return None
    return ("compressed",) * count, ()


def named_layers(table: ConfigTable, count: int) -> Kinds | None:
    listed = table.get("layer_types") or table.get("layers_block_type")
    if not isinstance(listed, list) or not listed:
        return None
    names = [each if isinstance(each, str) else "?" for each in listed[:MOST_LAYERS]]
    unknown = tuple(sorted({name for name in names if name not in KINDS}))
    return tuple(KINDS.get(name, "full") for name in names), unknown


def lettered_layers(table: ConfigTable, count: int) -> Kinds | None:
    """Nemotron-H: a letter a layer."""
    letters = text_in(table, "hybrid_override_pattern")[:MOST_LAYERS]
    if not letters:
        return None
    unknown = tuple(sorted({letter for letter in letters if letter not in LETTERS}))
    return tuple(LETTERS.get(letter, "full") for letter in letters), unknown


def block_letters(table: ConfigTable, pattern: str, names: str) -> str:
    """Nemotron-H's layers as letters, whichever way config.json lists them."""
    listed = table.get(names)
    if isinstance(listed, list):
        listed = listed[:MOST_LAYERS]
        return "".join(NAMES.get(each, "?") if isinstance(each, str) else "?" for each in listed)
    return text_in(table, pattern)[:MOST_LAYERS]


def kda_layers(table: ConfigTable, count: int) -> Kinds | None:
    """Kimi Linear: the linear layers by number, from 1."""
    linear = inner(table, "linear_attn_config").get("kda_layers")
    if not isinstance(linear, list):
        return None
    numbers = {each for each in linear if isinstance(each, int)}
    return tuple("linear" if n + 1 in numbers else "full" for n in range(count)), ()


def flagged_layers(table: ConfigTable, count: int) -> Kinds | None:
    """MiMo V2: 1 is a sliding window; MiniMax: 0 is linear; NAS: blocks without attention."""
    flags = table.get("hybrid_layer_pattern")
    if isinstance(flags, list) and flags:
        return tuple("sliding" if each == 1 else "full" for each in flags), ()
    flags = table.get("attn_type_list")
    if isinstance(flags, list) and flags:
        unknown = () if all(each == 1 for each in flags) else ("attn_type_list 0",)
        return ("full",) * len(flags), unknown
    blocks = table.get("block_configs")
    if isinstance(blocks, list) and blocks:
        return tuple("none" if is_empty(each, "attention") else "full" for each in blocks), ()
    return None


def is_empty(block: Any, part: str) -> bool:
    """Whether a block of Nemotron-NAS has no such part that keeps anything."""
    found = inner(block, part) if isinstance(block, dict) else {}
    return found.get("no_op") is True or found.get("replace_with_linear") is True


def computed_layers(table: ConfigTable, count: int) -> Kinds:
    """Where no list says it: every n-th layer is another."""
    every = count_in(table, "full_attention_interval")
    if every and count_in(table, "linear_num_value_heads"):
        return tuple("full" if (n + 1) % every == 0 else "linear" for n in range(count)), ()
    if count_in(table, "attention_chunk_size"):
        return tuple(chunked_kinds(table, count)), ()
    if not count_in(table, "sliding_window") or table.get("use_sliding_window") is False:
        return ("full",) * count, ()
    pattern = count_in(table, "sliding_window_pattern")
    if pattern:
        return tuple("full" if (n + 1) % pattern == 0 else "sliding" for n in range(count)), ()
    known = text_in(table, "model_type") in SLIDING_FAMILIES
    return ("sliding",) * count, () if known else ("sliding_window without layer_types",)


def chunked_kinds(table: ConfigTable, count: int) -> Iterator[str]:
    """Llama 4: layers without RoPE attend to everything; every fourth where no list says which."""
    listed = table.get("no_rope_layers")
    every = count_in(table, "no_rope_layer_interval", default=4)
    for number in range(count):
        if isinstance(listed, list) and number < len(listed):
            yield "chunked" if listed[number] else "full"
        else:
            yield "full" if (number + 1) % every == 0 else "chunked"


def shared_layers(table: ConfigTable, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Gemma: the last layers read the keys and values of earlier ones."""
    shared = min(count_in(table, "num_kv_shared_layers"), len(kinds))
    return (*kinds[: len(kinds) - shared], *["none"] * shared) if shared else kinds
