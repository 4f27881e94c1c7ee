"""How a model lies in the cache: which blob each file of it is.

Input: {"path": its folder, "refs": names}.
Output: {"files": [{"path", "size", "blob", "mtime_ns"}], "refs": {name: commit}}; `blob` is empty
for a file that is not a link into `blobs`. Folders whose name begins with a dot do not count.
"""

from __future__ import annotations

import json
import os
from typing import Any


def main(request: dict[str, Any]) -> None:
    root = request["path"].rstrip("/")
    repository = os.path.dirname(os.path.dirname(root))
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [described(os.path.join(folder, name), root, repository) for name in names]
    refs = {name: ref(repository, name) for name in request["refs"]}
    files.sort(key=lambda file: file["path"])
    print(json.dumps({"files": files, "refs": {name: to for name, to in refs.items() if to}}))


def described(full: str, root: str, repository: str) -> dict[str, Any]:
    """Only the first link counts: a blob may be a link into a store that repositories share."""
    blob = ""
    if os.path.islink(full):
        target = os.path.join(os.path.dirname(full), os.readlink(full))
        folder, name = os.path.split(os.path.normpath(target))
        blob = name if folder == os.path.join(repository, "blobs") else ""
    stat = os.stat(full)
    path = os.path.relpath(full, root)
    return {"path": path, "size": stat.st_size, "blob": blob, "mtime_ns": stat.st_mtime_ns}


def ref(repository: str, name: str) -> str:
    try:
        with open(os.path.join(repository, "refs", name)) as file:
            return file.read().strip()
    except OSError:
        return ""
