"""Read a small text file.

Input: {"path"}. Output: {"text"}, or null where there is no such file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LIMIT_BYTES = 1 << 16


def main(request: dict[str, Any]) -> None:
    try:
        with Path(request["path"]).open("rb") as file:
            text: str | None = file.read(LIMIT_BYTES).decode(errors="replace")
    except FileNotFoundError:
        text = None
    print(json.dumps({"text": text}))
