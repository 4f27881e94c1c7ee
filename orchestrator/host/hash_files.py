"""The files below a folder and the SHA-256 of each, on all cores; for folders that may hang, too.

Input: {"path", "sizes": {path: bytes} or null, "git": [paths], "silence_s"}; its end ends us.
  Files are hashed where `sizes` names them and they have that size; all for null, none for {}.
  Those of `git` get git's own id as well (SHA-1 over "blob <size>\\0" and the content).
Output, one JSON value a line:
  {"found": [{"path", "real", "size", "named", "problem"}], "cores", "hashing": files, "bytes"}
      `named` is the hash that the hub's own metadata states, "" where it states none
  {"bytes": hashed so far}, twice a second while that grows
  {"file", "size", "sha256", "git_sha1"} or {"file", "problem"}
  {"end": true}, or {"failed": why} or {"silent": seconds, "files": [what was being read]}

This process touches no file: each file has a child of its own. One that is stuck in the kernel
holds up nobody, and one that is killed because its file shrinks under it (SIGBUS) costs that file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import select
import signal
import stat
import struct
import time
from collections.abc import Callable
from typing import Any

from cluster.host import storage

CHUNK = 4 << 20
TICK_S = 0.5
NICENESS = 10  # what is served on this host goes first
HUB_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
END_LIMIT_S = 10.0
NOTHING_THERE = "a link whose file is not there"
NOT_A_FILE = "not a file"


def main(request: dict[str, Any]) -> None:
    os.nice(NICENESS)
    limit_s = request["silence_s"]
    root, sizes = os.path.expanduser(request["path"]), request["sizes"]
    child = storage.Child(answering(lambda: files_below(root, sizes or {})))
    code, out = child.finish(limit_s)
    if code is None:
        emit(silent=limit_s, files=[request["path"]])
    elif code:
        emit(failed=out)
    else:
        found = json.loads(out)
        chosen = [each for each in found if wanted(each, sizes)]
        chosen.sort(key=lambda each: -each["size"])  # the largest first: no long tail
        cores = len(os.sched_getaffinity(0))
        total = sum(each["size"] for each in chosen)
        emit(found=found, cores=cores, hashing=len(chosen), bytes=total)
        Hashing(request, chosen).run(cores)


def emit(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def wanted(file: dict[str, Any], sizes: dict[str, int] | None) -> bool:
    expected = sizes is None or sizes.get(file["path"]) == file["size"]
    return expected and not file["problem"]


def answering(work: Callable[[], Any]) -> Callable[[int], None]:
    """Work for a Child: its value as JSON into the pipe."""

    def write(writer: int) -> None:
        with open(writer, "wb", closefd=False) as pipe:
            pipe.write(json.dumps(work()).encode())

    return write


def files_below(root: str, sizes: dict[str, int]) -> list[dict[str, Any]]:
    """Hidden folders belong to git and to the hub, but for those that `sizes` names."""
    found = []
    for folder, folders, names in os.walk(root, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*names, *links]:
            full = os.path.join(folder, name)
            found.append(file_entry(root, os.path.relpath(full, root), full))
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            or any(
                path.startswith(os.path.relpath(os.path.join(folder, name), root) + "/")
                for path in sizes
            )
        ]
    return sorted(found, key=lambda each: each["path"])


def fail(error: OSError) -> None:
    raise error


def file_entry(root: str, path: str, full: str) -> dict[str, Any]:
    seen = {"path": path, "real": os.path.realpath(full), "size": 0, "named": "", "problem": ""}
    try:
        status = os.stat(full)
    except FileNotFoundError:
        return {**seen, "problem": NOTHING_THERE}
    except OSError as error:
        return {**seen, "problem": error.strerror}
    if not stat.S_ISREG(status.st_mode):
        return {**seen, "problem": NOT_A_FILE}
    return {**seen, "size": status.st_size, "named": named(root, path, full, status.st_mtime)}


def named(root: str, path: str, full: str, changed: float) -> str:
    """What the hub says of the file: the name of its blob, or the metadata of a local folder."""
    if os.path.islink(full):
        name = os.path.basename(os.readlink(full))
    else:
        note = os.path.join(root, ".cache", "huggingface", "download", path + ".metadata")
        try:
            with open(note) as lines:
                _, name, saved = lines.read().split()[:3]
            name = name if changed <= float(saved) + 1 else ""
        except (OSError, ValueError):
            name = ""
    if not HUB_HASH.fullmatch(name):
        return ""
    return ("sha256:" if len(name) == 64 else "git-sha1:") + name


class Hashing:
    """As many files at once as there are cores, each in a child that counts into shared memory."""

    def __init__(self, request: dict[str, Any], files: list[dict[str, Any]]) -> None:
        self.root = os.path.expanduser(request["path"])
        self.git = set(request["git"])
        self.limit_s = request["silence_s"]
        self.files = files
        self.slots = struct.Struct("Q" * len(files))
        self.counted = mmap.mmap(-1, self.slots.size or 1)
        self.running: dict[int, tuple[storage.Child, str]] = {}
        self.told, self.moved = 0, time.monotonic()

    def run(self, cores: int) -> None:
        waiting = list(enumerate(self.files))
        try:
            while waiting or self.running:
                while waiting and len(self.running) < cores:
                    self.start(*waiting.pop(0))
                ready = select.select([0, *self.running], [], [], TICK_S)[0]
                if 0 in ready:
                    return
                for reader in ready:
                    self.finish(reader)
                if not ready and not self.moves():
                    names = [name for _, name in self.running.values()]
                    return emit(silent=self.limit_s, files=names)
            emit(end=True)
        finally:
            for child, _ in self.running.values():
                os.kill(child.pid, signal.SIGKILL)

    def moves(self) -> bool:
        """Tell how far it is; false when nothing was read for too long."""
        done = sum(self.slots.unpack_from(self.counted))
        if done > self.told:
            self.told, self.moved = done, time.monotonic()
            emit(bytes=done)
        return bool(time.monotonic() < self.moved + self.limit_s)

    def start(self, slot: int, file: dict[str, Any]) -> None:
        name, parent = file["path"], os.getpid()

        def count(done: int) -> None:
            if os.getppid() != parent:  # it was killed: nobody waits for the rest
                os._exit(1)
            struct.pack_into("Q", self.counted, 8 * slot, done)

        full = os.path.join(self.root, name)
        child = storage.Child(answering(lambda: hashes(full, name in self.git, count)))
        self.running[child.reader] = (child, name)

    def finish(self, reader: int) -> None:
        child, name = self.running.pop(reader)
        self.moved = time.monotonic()
        code, out = child.finish(time.monotonic() - child.started + END_LIMIT_S)
        os.close(reader)
        if code == 0:
            emit(file=name, **json.loads(out))
        else:
            ended = f"its disk failed or it shrank while it was read (exit code {code})"
            emit(file=name, problem=out or ended)


def hashes(full: str, git: bool, count: Callable[[int], None]) -> dict[str, Any]:
    """Mapped, not read: no copy, which costs a tenth of the time where the data is in memory."""
    with open(full, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        sha256 = hashlib.sha256()
        sha1 = hashlib.new("sha1", b"blob %d\0" % size, usedforsecurity=False)
        digests = [sha256, sha1] if git else [sha256]
        if size:
            flags, prot = mmap.MAP_PRIVATE, mmap.PROT_READ  # shared is refused by some FUSE mounts
            with mmap.mmap(file.fileno(), size, flags, prot) as whole, memoryview(whole) as view:
                for start in range(0, size, CHUNK):
                    with view[start : start + CHUNK] as piece:
                        for digest in digests:
                            digest.update(piece)
                    count(min(start + CHUNK, size))
    git_sha1 = sha1.hexdigest() if git else ""
    return {"size": size, "sha256": sha256.hexdigest(), "git_sha1": git_sha1}
