"""Fields of an answer, each with its type; one of another type is an error that names it; pure."""

from collections.abc import Mapping
from typing import Any

from orchestrator.api.reply import Kind

Json = Mapping[str, Any]
MOST_TOKENS = 1 << 53  # a count beyond is none
THOUGHTS = ("thinking", "reasoning")  # kinds of parts


class NoAnswer(Exception):
    """What arrived is no answer to what was asked; `kind` is that of the failure."""

    kind: Kind


class NotAnAnswer(NoAnswer):
    """It cannot be read as an answer."""

    kind = "invalid JSON"


def kind_of(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def object_in(value: object, name: str) -> Json:
    """Raises NotAnAnswer."""
    if not isinstance(value, dict):
        raise NotAnAnswer(f"{name} is {kind_of(value)}, not an object")
    return value


def list_in(record: Json, name: str) -> list[Any]:
    """Empty where there is none. Raises NotAnAnswer."""
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotAnAnswer(f"`{name}` is {kind_of(value)}, not a list")
    return value


def word_in(record: Json, name: str) -> str:
    """A short text; empty where there is none. Raises NotAnAnswer."""
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotAnAnswer(f"`{name}` is {kind_of(value)}, not a text")
    return value


def token_count(record: Json, name: str) -> int:
    """A count of tokens; 0 for anything else."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value < MOST_TOKENS else 0


def text_and_thoughts(record: Json, name: str) -> tuple[str, str]:
    """A field that is text, or a list of parts, of which those without text are passed over.

    Raises NotAnAnswer.
    """
    value = record.get(name)
    if value is None or isinstance(value, str):
        return value or "", ""
    if not isinstance(value, list | dict):
        raise NotAnAnswer(f"`{name}` is {kind_of(value)}, not a text")
    text, thoughts = "", ""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict) and part.get("type") in THOUGHTS:
            thoughts += part_text(part)
        else:
            text += part_text(part)
    return text, thoughts


def part_text(part: object) -> str:
    """Thoughts may be parts themselves."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    for name in ("text", *THOUGHTS):
        value = part.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            texts = (each.get("text") for each in value if isinstance(each, dict))
            return "".join(each for each in texts if isinstance(each, str))
    return ""
