"""Put files of a test into the folder of the media server, and take them away again.

Input: {"folder", "name", "files": {name: base64}}; without files, the folder `name` is removed.
Output: {"files": how many}.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

from cluster.host import services

PREFIX = "orchestrate-test-"


def main(request: dict[str, Any]) -> None:
    name = request["name"]
    if not name.startswith(PREFIX) or "/" in name:
        raise ValueError("not a folder of a test: " + name)
    folder = os.path.join(request["folder"], name)
    files = request.get("files")
    if files is None:
        shutil.rmtree(folder)
    else:
        os.mkdir(folder, 0o700)
        for each, content in files.items():
            with services.open_private(Path(folder, each)) as file:
                file.write(base64.b64decode(content))
    print(json.dumps({"files": len(files or {})}))
