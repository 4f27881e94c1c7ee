"""Write a file, whole or not at all, with its mode from the first byte on.

Input: {"path", "content", "mode"}. Output: {"bytes"}.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cluster.host import services


def main(request: dict[str, Any]) -> None:
    path = Path(request["path"]).expanduser()
    services.private_folder(path.parent)
    fresh = path.with_name(path.name + ".new")
    content = request["content"].encode()
    flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    with open(os.open(str(fresh), flags, request["mode"]), "wb") as file:
        file.write(content)
    os.replace(str(fresh), str(path))
    print(json.dumps({"bytes": len(content)}))
