"""The folder of a service, and the processes that carry its mark."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

MARK = "ORCHESTRATE_SERVICE"


def node_folder(cluster: str, node: str) -> Path:
    """The node's name is part of the path, for homes that all hosts share."""
    return Path.home() / ".orchestrate" / cluster / node


def service_folder(mark: str) -> Path:
    """`mark` is cluster/node/service."""
    return Path.home() / ".orchestrate" / mark


def read_json(path: Path) -> Any:
    """The file's value, or None where there is none or it is half written."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value))


def write_private(path: Path, text: str) -> None:
    """Atomic, and readable by the owner alone."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(str(fresh), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(str(fresh), str(path))


def stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name: 0 is the state, 1 the parent, 19 the start time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def start_ticks(pid: int) -> int | None:
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def is_alive(identity: Any) -> bool:
    """`identity` is [pid, start time]: a pid alone may have been given to another process."""
    return bool(identity) and identity[-1] == start_ticks(int(identity[0]))


def processes() -> dict[int, int]:
    """Every process that is not a zombie, with its parent."""
    found = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(int(name)) if name.isdigit() else None
        if fields and fields[0] not in "ZX":
            found[int(name)] = int(fields[1])
    return found


def own_mark(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return None
    for entry in environ.split(b"\0"):
        if entry.startswith(MARK.encode() + b"="):
            return entry.partition(b"=")[2].decode(errors="replace")
    return None


def marks() -> dict[int, str]:
    """Processes with a mark, and all that descend from them.

    Some programs overwrite their environment when they change their title: descent finds those,
    since a supervisor adopts the orphans of its service.
    """
    parents = processes()
    own = {pid: mark for pid in parents if (mark := own_mark(pid)) is not None}
    found = {}
    for pid in parents:
        nearest = next((each for each in lineage(pid, parents) if each in own), None)
        if nearest is not None:
            found[pid] = own[nearest]
    found.pop(os.getpid(), None)
    return found


def marked(prefix: str) -> dict[int, str]:
    """Those whose mark is `prefix` or below it."""
    return {pid: mark for pid, mark in marks().items() if (mark + "/").startswith(prefix + "/")}


def lineage(pid: int, parents: dict[int, int]) -> list[int]:
    """The process, its parent, and so on."""
    line = []
    while pid in parents and pid not in line:
        line.append(pid)
        pid = parents[pid]
    return line


def descendants(root: int) -> list[int]:
    parents = processes()
    return [pid for pid in parents if pid != root and root in lineage(pid, parents)]


def send(pid: int, number: int) -> None:
    """Signal a process that may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return ""
