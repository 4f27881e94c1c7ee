"""Modes of files that a program has made, under a umask that it did not choose."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UMASKS = (0o000, 0o022, 0o077)


@contextmanager
def umask_of(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def modes(root: Path) -> dict[str, str]:
    """Of `root` and all below it; links have none of their own."""
    found = [each for each in (root, *root.rglob("*")) if not each.is_symlink()]
    return {str(each.relative_to(root)): f"{each.stat().st_mode & 0o777:o}" for each in found}


def too_open(root: Path, most: int) -> dict[str, str]:
    """Whatever has a right that `most` (of a folder) does not give."""
    return {name: mode for name, mode in modes(root).items() if int(mode, 8) & ~most}
