"""Size and SHA-256 of every file of a folder that is no hub's.

Input: {"path"}. Output: {"files": [[path, bytes, "sha256:..."]]}.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

CHUNK = 1 << 20


def main(request: dict[str, Any]) -> None:
    files = []
    for folder, folders, names in os.walk(request["path"]):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            full = os.path.join(folder, name)
            digest, size = hashlib.sha256(), 0
            with open(full, "rb") as file:
                for chunk in iter(lambda: file.read(CHUNK), b""):
                    digest.update(chunk)
                    size += len(chunk)
            files.append(
                [os.path.relpath(full, request["path"]), size, f"sha256:{digest.hexdigest()}"]
            )
    print(json.dumps({"files": sorted(files)}))
