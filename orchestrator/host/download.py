"""Download a model's files from the hub into the cache, at one commit, and go on where it stopped.

Input: {"cache", "folder", "model", "revision", "commit", "endpoint", "token", "silence_s", "files":
[[path, bytes, hash]]}, then a line now and then: silence or the end of the input ends it, and what
has arrived stays. Output, one JSON object a line: {"start": {...}}, {"done": bytes} each second,
{"file": path}, {"waits": why, "pause_s": s}, at last {"end": {...}} or {"failed": kind, ...}.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import queue
import select
import threading
import time
from typing import Any, NoReturn

from cluster.host import fetch
from orchestrator.host import cache_modes

STREAMS = 8  # files at a time
CHUNK = 1 << 18
TICK_S = 1.0
SILENCE_LIMIT_S = 60  # heartbeats come every 10 s
HANG_LIMIT_S = 120
CLAIM_LIMIT_S = 5.0
SAYING = threading.Lock()


def main(request: dict[str, Any]) -> None:
    cache_modes.keep_from_others()
    threading.Thread(target=leave_when_alone, daemon=True).start()
    try:
        Download(request).run()
    except fetch.Failed as failed:
        leave(failed.said, 1)
    except OSError as error:
        leave(fetch.as_failed(error).said, 1)


def say(**event: Any) -> None:
    with SAYING:
        print(json.dumps(event), flush=True)


def leave(event: dict[str, Any], code: int) -> NoReturn:
    """Threads may hang in a read or a write: nobody waits for them."""
    say(**event)
    os._exit(code)


def leave_when_alone() -> None:
    while select.select([0], [], [], SILENCE_LIMIT_S)[0] and os.read(0, 1 << 12):
        pass
    os._exit(130)


class Download:
    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.folder = os.path.join(os.path.expanduser(request["cache"]), request["folder"])
        server = (request["endpoint"], request["token"], request["silence_s"])
        self.source = fetch.Source(*server)
        self.done, self.active = 0, time.monotonic()
        self.counting = threading.Lock()
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def pointer(self, path: str) -> str:
        return os.path.join(self.folder, "snapshots", self.request["commit"], path)

    def blob(self, known: str) -> str:
        return os.path.join(self.folder, "blobs", known.partition(":")[2])

    def run(self) -> None:
        begun = time.monotonic()
        os.makedirs(os.path.join(self.folder, "blobs"), exist_ok=True)
        os.makedirs(self.pointer(""), exist_ok=True)
        files = self.request["files"]
        missing = [each for each in files if size_of(self.pointer(each[0])) != each[1]]
        wanted = {e[2]: e for e in missing if size_of(self.blob(e[2])) != e[1]}.values()
        resumed = sum(map(self.started, wanted))
        left = sum(each[1] for each in wanted) - resumed
        total = sum({each[0]: each[1] for each in files}.values())
        self.done = total - left
        self.require_room(left)
        say(start={"files": len(wanted), "left": left, "resumed": resumed, "total": total})
        self.download_all(sorted(wanted, key=lambda each: -each[1]))
        for path, size, known in missing:
            self.link(path, size, known)
        self.write_ref()
        seconds = time.monotonic() - begun
        say(end={"files": len(wanted), "bytes": left, "seconds": seconds, "path": self.pointer("")})

    def require_room(self, left: int) -> None:
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize
        if left > free:
            raise fetch.Failed("full", left=left, free=free, path=self.folder)

    def link(self, path: str, size: int, known: str) -> None:
        pointer, blob = self.pointer(path), self.blob(known)
        os.makedirs(os.path.dirname(pointer), exist_ok=True)
        fresh = f"{pointer}.{os.getpid()}"
        os.symlink(os.path.relpath(blob, os.path.dirname(pointer)), fresh)
        os.replace(fresh, pointer)
        if size_of(pointer) != size:
            raise fetch.Failed("files", why=f"{pointer} has {size_of(pointer)} bytes, not {size}")

    def write_ref(self) -> None:
        """What the branch was when it was locked: how others find the snapshot by its name."""
        revision, commit = self.request["revision"], self.request["commit"]
        if revision != commit:
            path = os.path.join(self.folder, "refs", revision)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".new", "w") as file:
                file.write(commit)
            os.replace(path + ".new", path)

    def download_all(self, wanted: list[Any]) -> None:
        """Raises the first failure; the other streams end with the process."""
        for each in wanted:
            self.waiting.put(each)
        for _ in range(min(STREAMS, len(wanted))):
            threading.Thread(target=self.work, daemon=True).start()
        left = len(wanted)
        while left:
            try:
                outcome = self.ended.get(timeout=TICK_S)
            except queue.Empty:
                say(done=self.done)
                if time.monotonic() - self.active > HANG_LIMIT_S:
                    raise fetch.Failed("hangs", path=self.folder, limit_s=HANG_LIMIT_S) from None
                continue
            if isinstance(outcome, fetch.Failed):
                raise outcome
            say(file=outcome, done=self.done)
            left -= 1

    def work(self) -> None:
        path = ""
        try:
            while True:
                path, size, known = self.waiting.get_nowait()
                self.download(path, size, known)
                self.ended.put(path)
        except queue.Empty:
            pass
        except fetch.Failed as failed:
            failed.said.setdefault("path", path)
            self.ended.put(failed)
        except OSError as error:
            self.ended.put(fetch.as_failed(error))

    def count(self, size: int) -> None:
        with self.counting:
            self.done += size
            self.active = time.monotonic()

    def waits(self, why: str, pause_s: float) -> None:
        say(waits=why, pause_s=pause_s)
        with self.counting:
            self.active = time.monotonic() + pause_s

    def started(self, wanted: Any) -> int:
        """Bytes that an earlier run has left of this file."""
        there = size_of(self.blob(wanted[2]) + ".incomplete") or 0
        return there if there <= wanted[1] else 0

    def download(self, path: str, size: int, known: str) -> None:
        target = self.blob(known)
        part = target + ".incomplete"
        with claimed(part) as file:
            if size_of(target) == size:  # another program was faster
                os.unlink(part)
                self.count(size)
                return
            while not self.filled(file, path, size, known):
                self.waits(f"{path}: what an earlier run left is damaged, from the start", 0)
            os.fsync(file.fileno())
        if os.path.lexists(target):  # and is not whole
            os.unlink(target)
        os.replace(part, target)

    def filled(self, file: io.FileIO, path: str, size: int, known: str) -> bool:
        """Whole and right; False where what an earlier run left was wrong, and is gone now.

        Raises Failed, and removes the file, when the hub itself gives other bytes.
        """
        if os.fstat(file.fileno()).st_size > size:
            file.truncate(0)
        digest = hashlib.sha256()
        if known.startswith("git-sha1:"):
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        file.seek(0)
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
            self.count(0)
        resumed = file.tell()

        def waits(why: str, pause_s: float) -> None:
            self.waits(f"{path}: {why}", pause_s)

        model, commit = self.request["model"], self.request["commit"]
        sink = fetch.Sink(file, digest, self.count, waits)
        fetch.fetch(self.source, f"{model}/resolve/{commit}/{path}", size, sink)
        if digest.hexdigest() == known.partition(":")[2]:
            return True
        file.truncate(0)
        self.count(-size)
        if not resumed:
            os.unlink(self.blob(known) + ".incomplete")
            raise fetch.Failed("bytes", path=path, expected=known, found=digest.hexdigest())
        return False


def claimed(part: str) -> io.FileIO:
    """The file, for one program at a time; one that was just interrupted needs a moment to go."""
    limit = time.monotonic() + CLAIM_LIMIT_S
    while True:
        descriptor = os.open(part, os.O_CREAT | os.O_RDWR, 0o666)
        file = io.FileIO(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(part) and os.path.samestat(os.fstat(descriptor), os.stat(part)):
                return file
        except BlockingIOError:
            if time.monotonic() > limit:
                raise fetch.Failed("busy", path=part) from None
            time.sleep(0.1)
        except OSError:
            return file  # a file system without locks
        file.close()


def size_of(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
