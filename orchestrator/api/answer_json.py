"""JSON out of a server's bytes: a value, or one error; pure."""

import codecs
import json
import re
from typing import Any

HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair: alone it is no text


class NotJson(ValueError):
    """Says why these bytes are no JSON."""


def read_json(body: bytes) -> Any:
    """Raises NotJson. Half a character is replaced, since no file and no terminal can hold it."""
    try:
        value = json.loads(body.removeprefix(codecs.BOM_UTF8).decode())
        return with_whole_characters(value) if HALF_CHARACTER.search(body) else value
    except UnicodeDecodeError:
        raise NotJson("not UTF-8") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def with_whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [with_whole_characters(each) for each in value]
    if isinstance(value, dict):
        return {with_whole_characters(k): with_whole_characters(v) for k, v in value.items()}
    return value
