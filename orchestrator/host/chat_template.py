"""The chat template that vLLM takes for requests with tools.

Input: {"folder": the model's, "template": a file in its place, or nothing}.
Output: {"file", "text": at most LIMIT characters of it}; both are empty where there is none.
"""

from __future__ import annotations

import json
import os
from typing import Any

LIMIT = 1 << 18
FILES = (  # the first one counts, as in transformers
    "additional_chat_templates/tool_use.jinja",
    "chat_template.jinja",
    "chat_template.json",
    "tokenizer_config.json",
)
FILE_LIMIT = 1 << 26  # bytes; a tokenizer_config.json with all its added tokens is a few MB


def main(request: dict[str, Any]) -> None:
    folder = os.path.expanduser(request["folder"])
    given = os.path.expanduser(request["template"])
    for path in [given] if given else [os.path.join(folder, name) for name in FILES]:
        text = template_in(path)
        if text:
            print(json.dumps({"file": path, "text": text[:LIMIT]}))
            return
    print(json.dumps({"file": "", "text": ""}))


def template_in(path: str) -> str:
    """Of a file; nothing where it is not there, or is not what it should be."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(FILE_LIMIT)
        if not path.endswith(".json"):
            return text
        found = json.loads(text)["chat_template"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return template_for_tools(found) if isinstance(found, list) else str(found or "")


def template_for_tools(templates: list[Any]) -> str:
    """Of several, by name: the one for tools, else the default."""
    known = {
        str(each.get("name")): str(each.get("template") or "")
        for each in templates
        if isinstance(each, dict)
    }
    return known.get("tool_use") or known.get("default") or ""
