"""The folder of a service, and the processes that carry its mark."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

MARK = "ORCHESTRATE_SERVICE"
CLUSTER_ID = "ORCHESTRATE_CLUSTER_ID"  # random: another cluster may have the same name


def node_folder(cluster: str, node: str) -> Path:
    """The node's name is part of the path, for homes that all hosts share."""
    return Path.home() / ".orchestrate" / cluster / node


def service_folder(mark: str) -> Path:
    """`mark` is cluster/node/service."""
    return Path.home() / ".orchestrate" / mark


def private_folder(path: Path, own: Path | None = None) -> None:
    """Make it and what it lies in: the owner's alone, whatever the umask.

    `own` is the outermost folder that is ours: without it, the one in the home.
    `mkdir(parents=True)` gives its mode to the last folder only.
    """
    line = [path, *path.parents]
    below_home = [each for each in line if Path.home() in each.parents]
    for folder in reversed(below_home or line):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    own = own or (below_home[-1] if below_home else path)
    if own.stat().st_uid == os.getuid() and own.stat().st_mode & 0o077:
        own.chmod(0o700)  # of an older orchestrate, under a umask that took nothing away


def read_json(path: Path) -> Any:
    """The file's value, or None where there is none or it is half written."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None


def read_record(path: Path) -> dict[str, Any]:
    """A file of ours: its table, an empty one where it holds anything else."""
    value = read_json(path)
    return value if isinstance(value, dict) else {}


def supervisor_of(folder: Path) -> list[int] | None:
    """[pid, start time] of the one that runs; None where none does, or the record names a process
    that does not carry this service's mark.
    """
    identity: list[int] = read_record(folder / "pid").get("supervisor") or []
    if not is_alive(identity):
        return None
    mark = folder.relative_to(Path.home() / ".orchestrate").as_posix()
    return identity if own_mark(identity[0]) == mark else None


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value))


def drop(path: Path) -> None:
    """Remove a record of ours, be it a file, a folder in its place, or nothing."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Atomic, UTF-8, and readable by the owner alone; `mode` holds from the first byte on. A folder
    of that name makes way.
    """
    fresh = path.with_name(path.name + ".new")
    for each in (fresh, path):
        if each.is_dir():
            drop(each)
    with open_private(fresh, mode) as file:
        file.write(text.encode())
    os.replace(str(fresh), str(path))


def open_private(path: Path, mode: int = 0o600) -> BinaryIO:
    """Empty, to be written; with this mode also where a file lay there already."""
    descriptor = os.open(str(path), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.fchmod(descriptor, mode)
    return open(descriptor, "wb")


def stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name: 0 is the state, 1 the parent, 19 the start time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def stopped(pids: Iterable[int]) -> list[str]:
    """Names of those that somebody has stopped (SIGSTOP, Ctrl-Z): alive, and answering nobody."""
    found = []
    for pid in pids:
        fields = stat_fields(pid)
        if fields and fields[0] == "T":
            with contextlib.suppress(OSError):
                found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return sorted(found)


def start_ticks(pid: int) -> int | None:
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def is_alive(identity: Any) -> bool:
    """`identity` is [pid, start time]: a pid alone may have been given to another process."""
    if not isinstance(identity, list) or [type(each) for each in identity] != [int, int]:
        return False
    ticks: int = identity[1]
    return start_ticks(identity[0]) == ticks


def is_own(pid: int) -> bool:
    """Whether it runs as us: root may read everybody's marks, and must not take them for its own.

    /proc/PID belongs to root where a process of ours may not be traced: then its status says.
    """
    try:
        if os.stat(f"/proc/{pid}").st_uid == os.getuid() != 0:
            return True
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("Uid:"):
                return int(line.split()[1]) == os.getuid()
    except OSError:
        pass
    return False


def processes() -> dict[int, int]:
    """Every process that is not a zombie, with its parent."""
    found = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(int(name)) if name.isdigit() else None
        if fields and fields[0] not in "ZX":
            found[int(name)] = int(fields[1])
    return found


def cluster_id(cluster: str) -> str:
    """The id of this cluster in our home; empty where it has none, or cannot be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (Path.home() / ".orchestrate" / cluster / "id").read_text().strip()
    return ""


def make_cluster_id(cluster: str) -> str:
    """The id, made at the first launch; the home of a host that is broken may take none."""
    if not cluster_id(cluster):
        with contextlib.suppress(OSError):
            write_private(Path.home() / ".orchestrate" / cluster / "id", os.urandom(8).hex())
    return cluster_id(cluster)


def own_mark(pid: int) -> str | None:
    """The mark that a process of our user carries in its environment, if not of another cluster."""
    mark, carried = signs_of(pid)
    if mark is None or not carried:
        return mark
    known = cluster_id(mark.partition("/")[0])
    return mark if known in ("", carried) else None


def signs_of(pid: int) -> tuple[str | None, str]:
    """(mark, id of its cluster) in the environment of a process of our user."""
    if not is_own(pid):
        return None, ""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = [entry.partition(b"=") for entry in file.read().split(b"\0")]
    except OSError:
        return None, ""
    found = {name: value.decode(errors="replace") for name, _, value in entries}
    return found.get(MARK.encode()), found.get(CLUSTER_ID.encode(), "")


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
        if nearest is not None and is_own(pid):
            found[pid] = own[nearest]
    found.pop(os.getpid(), None)
    return found


def marked(prefix: str) -> dict[int, str]:
    """Those whose mark is `prefix` or below it."""
    return below(prefix, marks())


def below(prefix: str, found: dict[int, str]) -> dict[int, str]:
    return {pid: mark for pid, mark in found.items() if (mark + "/").startswith(prefix + "/")}


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
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return ""
