"""Write a file, whole or not at all, with its mode from the first byte on.

Input: {"path", "content", "mode"}. Output: {"bytes"}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.host import services


def main(request: dict[str, Any]) -> None:
    path = Path(request["path"]).expanduser()
    services.private_folder(path.parent)
    services.write_private(path, request["content"], request["mode"])
    print(json.dumps({"bytes": len(request["content"].encode())}))
