"""Values of vLLM's options as its command line reads them; pure.

After human_readable_int of vllm/utils/argparse_utils.py: k, m, g, t are powers of a thousand and
may stand behind a fraction, K, M, G, T are powers of 1024 and may not.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from cluster.errors import ConfigError, Problem
from orchestrator.recipes.layer import Value

READABLE = {  # options that take 8k; of vLLM 0.32
    "max_model_len",
    "max_num_batched_tokens",
    "max_num_scheduled_tokens",
    "kv_cache_memory_bytes",
    "safetensors_prefetch_block_size",
    "max_num_queued_tokens",
}
AUTOMATIC = {"max_model_len"}  # and auto or -1: as long as there is room for
NUMBER = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
POWERS = {letter: n for n, letter in enumerate("kmgt", 1)}
AUTO = -1
Arguments = Mapping[str, Value]


def whole_number(args: Arguments, key: str, default: int, least: int = 1) -> int:
    """AUTO where vLLM finds the value itself. Raises ConfigError for what vLLM cannot read."""
    if key not in args:
        return default
    text = str(args[key]).strip()
    if key in AUTOMATIC and text.lower() in ("-1", "auto"):
        return AUTO
    number = readable(text) if key in READABLE else plain_number(text)
    if number is None or isinstance(args[key], bool):
        forms = "as 8192, 8k (8,000) or 8K (8,192)" if key in READABLE else "as 8"
        raise unreadable(key, text, f"a whole number, {forms}")
    if number < least:
        raise unreadable(key, text, f"{least} or more")
    return number


def readable(text: str) -> int | None:
    found = NUMBER.fullmatch(text)
    if not found:
        return plain_number(text)
    number, letter = found.groups()
    if letter.islower():
        return int(float(number) * 1000 ** POWERS[letter])
    return None if "." in number else int(number) * 1024 ** POWERS[letter.lower()]


def plain_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,20}", text) else None


def fraction(args: Arguments, key: str, default: float, most: float = 1.0) -> float:
    """A number from 0 to `most`. Raises ConfigError for what vLLM cannot read."""
    if key not in args:
        return default
    try:
        number = float(str(args[key]))
    except ValueError:
        raise unreadable(key, str(args[key]), "a number, as 0.9") from None
    if isinstance(args[key], bool) or not 0 <= number <= most:
        raise unreadable(key, str(args[key]), f"a number up to {most:g}")
    return number


def unreadable(key: str, text: str, wanted: str) -> ConfigError:
    what = f"vLLM cannot read {key} = `{text[:40]}`"
    return ConfigError(Problem(what, f"args.{key}", f"it takes {wanted}: --set {key}=..."))


def table_option(args: Arguments, key: str) -> Mapping[str, Any]:
    """A table, or JSON as text. Raises ConfigError for text that is no JSON table."""
    value = args.get(key)
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping):
        raise unreadable(key, value, 'a table, as {method = "mtp"}')
    return found
