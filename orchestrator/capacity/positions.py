"""How many positions a model knows, as vLLM derives it from config.json; pure.

After _get_and_verify_max_len (config/model.py): the least of the keys below, times the factor of a
RoPE scaling. Families that YaRN has scaled already say so in `max_position_embeddings`; YaRN that
somebody adds says the length it starts from.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.capacity.config_json import MOST, ConfigTable, count_in, text_in

KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
SCALED_ALREADY = ("su", "longrope", "llama3", "deepseek_llama_scaling")
YARN = ("yarn", "deepseek_yarn")


def positions_of(table: ConfigTable) -> int:
    """0 where config.json does not say it."""
    own = count_in(table, "model_max_length")
    known = own or min((size for key in KEYS if (size := count_in(table, key))), default=0)
    if not known or "gemma3" in text_in(table, "model_type"):
        return known
    return max((scaled(known, rope) for rope in rope_tables(table)), default=known)


def scaled(known: int, rope: Mapping[str, Any]) -> int:
    kind, factor = text_in(rope, "rope_type", "type"), rope.get("factor")
    sane = isinstance(factor, int | float) and not isinstance(factor, bool) and 1 <= factor <= 1024
    if not sane or not isinstance(factor, int | float) or kind in SCALED_ALREADY:
        return known
    if kind in YARN:
        start = count_in(rope, "original_max_position_embeddings")
        return max(known, int(start * factor))
    return min(int(known * factor), MOST)


def rope_tables(table: ConfigTable) -> Iterator[Mapping[str, Any]]:
    """One, or one for each kind of layer."""
    for key in ("rope_scaling", "rope_parameters"):
        found = table.get(key)
        if isinstance(found, Mapping):
            nested = [each for each in found.values() if isinstance(each, Mapping)]
            yield from nested or [found]
