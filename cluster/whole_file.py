"""Write a file of this machine whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from cluster.errors import OrchestrateError, Problem


def write_error(path: Path, error: OSError) -> OrchestrateError:
    hint = "change to a folder that you may write to: results go to ./artifacts"
    return OrchestrateError(
        Problem(f"cannot be written: {error.strerror or error}", str(path), hint)
    )


def write_whole(path: Path, content: bytes | str) -> None:
    """On the disk before it has its name, so that nobody ever reads a part; its folder is made.

    Raises OrchestrateError where it cannot be written; what stood there stays.
    """
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise write_error(path, error) from None
