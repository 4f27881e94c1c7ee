"""What a server says where no answer came, in its own words and few of them; pure."""

import re
from collections.abc import Mapping

from orchestrator.api.answer_json import NotJson, read_json

WORDS_SHOWN = 300  # characters of a server's own words in a message
PAGE_READ = 8192  # bytes of a web page that are looked at
PAGE = re.compile(rb"\s*(?:<!--|<!doctype html|<html|<head|<body)", re.IGNORECASE)
HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^<>]*>")


def error_words(value: object) -> str | None:
    """The words of an error object of OpenAI, vLLM or FastAPI; None for what is no error.

    A body with `choices` is an error only where it says so by name.
    """
    if not isinstance(value, Mapping):
        return None
    if error := value.get("error"):
        return message_of(error)
    if value.get("object") == "error":
        return message_of(value)
    if "choices" not in value and (value.get("detail") or value.get("message")):
        return message_of(value)
    return None


def message_of(error: object) -> str:
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("detail") or dict(error)
    return str(error)[:WORDS_SHOWN]


def body_words(body: bytes) -> str:
    """The message of an error, else the beginning of the body; of a web page what it shows."""
    try:
        value = read_json(body)
    except NotJson:
        value = None
    if words := error_words(value):
        return words
    if PAGE.match(body):
        return f"a web page: {page_words(body)}"
    return shown(body)


def page_words(body: bytes) -> str:
    text = TAG.sub(" ", HIDDEN.sub(" ", body[:PAGE_READ].decode(errors="replace")))
    return " ".join(text.split())[:WORDS_SHOWN] or "(it shows no text)"


def shown(body: bytes) -> str:
    text = body[: 4 * WORDS_SHOWN].decode(errors="replace").strip()
    return text[:WORDS_SHOWN] or "(nothing)"
