"""A name from outside is never a path until it was looked at: the one answer, on hosts and here.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import errno
import re

COMMIT = re.compile(r"[0-9a-f]{40}")
BLOB = re.compile(r"[\w-][\w.-]{0,254}", re.ASCII)


def is_safe_path(path: object) -> bool:
    """A relative path that stays below the folder it is joined to, without links in mind."""
    if not isinstance(path, str) or not 0 < len(path) <= 4096 or "\0" in path:
        return False
    return all(part not in ("", ".", "..") for part in path.split("/"))


def is_blob(name: object) -> bool:
    """As the hub names blobs; empty where a file has none."""
    return isinstance(name, str) and (not name or BLOB.fullmatch(name) is not None)


def is_commit(text: object) -> bool:
    return isinstance(text, str) and COMMIT.fullmatch(text) is not None


def require(good: bool, what: object) -> None:
    """Raises OSError with a file name, which every program of ours tells in one line."""
    if not good:
        raise OSError(errno.EINVAL, "is no name that may become a path", f"{str(what)[:200]!r}")
