"""Write, read or remove a small file in the cache, to see whether hosts share it.

Input: {"cache", "name", "text"}: text writes, null reads, "" removes. Output: {"text"}.
"""

from __future__ import annotations

import json
import os
from typing import Any


def main(request: dict[str, Any]) -> None:
    path = os.path.join(os.path.expanduser(request["cache"]), request["name"])
    text = request["text"]
    if text:
        os.umask(os.umask(0o077) | 0o022)
        with open(path, "x") as file:
            file.write(text)
    elif text == "":
        os.unlink(path)
    else:
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            text = None
    print(json.dumps({"text": text}))
