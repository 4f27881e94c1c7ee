"""The few Linux calls that Python 3.11 has no name for: mount, unshare, setns, pivot_root.

Does not know what they are used for; every failure is an OSError that names the call's target.
"""

import ctypes
import os
from pathlib import Path

NEW_MOUNTS = 0x00020000
NEW_CGROUP = 0x02000000
NEW_HOSTNAME = 0x04000000
NEW_IPC = 0x08000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000

READ_ONLY = 1
BIND = 1 << 12
RECURSIVE = 1 << 14
PRIVATE = 1 << 18
DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, subject: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), subject)


def _encoded(text: str | Path | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def mount(
    source: str | Path, target: str | Path, kind: str | None, flags: int = 0, options: str = ""
) -> None:
    """Mount a file system, or bind a path, at `target`."""
    result = _libc.mount(
        _encoded(source),
        _encoded(target),
        _encoded(kind),
        ctypes.c_ulong(flags),
        _encoded(options),
    )
    _check(result, str(target))


def unshare(flags: int) -> None:
    """Leave the shared namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def enter_namespace(descriptor: int, kind: int) -> None:
    """Move the calling thread into the namespace that an open file stands for."""
    _check(_libc.setns(descriptor, kind), "setns")


def change_root(root: Path) -> None:
    """Make `root`, a mount point, the root of this mount namespace and drop the old one."""
    os.chdir(root)
    # With "." twice the old root is stacked on the new one: no directory is needed to hold it.
    _check(_libc.pivot_root(b".", b"."), str(root))
    _check(_libc.umount2(b".", DETACH), "the old root")
    os.chdir("/")
