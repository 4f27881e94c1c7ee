"""Write, read or remove a small file in the cache, to see whether hosts share it.

Input: {"cache", "name", "text"}: text writes, null reads, "" removes. Output: {"text"}.
Before it writes, what runs that were killed have left of this user is removed.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from typing import Any

NAME = re.compile(r"\.orchestrate-nonce-[0-9a-f]{32}")
LEFT_AFTER_S = 600  # a check takes seconds


def main(request: dict[str, Any]) -> None:
    path = os.path.join(os.path.expanduser(request["cache"]), request["name"])
    text = request["text"]
    if text:
        remove_left(os.path.dirname(path))
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


def remove_left(folder: str) -> None:
    """Only files of ours by their whole name, of this user, and old; a cache may be anybody's."""
    for name in filter(NAME.fullmatch, os.listdir(folder)):
        path = os.path.join(folder, name)
        try:
            found = os.lstat(path)
            old = time.time() - found.st_mtime > LEFT_AFTER_S
            if old and found.st_uid == os.getuid() and stat.S_ISREG(found.st_mode):
                os.unlink(path)
        except OSError:
            continue  # another check was faster
