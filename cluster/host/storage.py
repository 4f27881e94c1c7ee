"""Whatever may hang (a network mount, the driver) is asked from a child process, with a deadline.

The child has none of our standard streams: one that is stuck in the kernel survives KILL, and would
hold the connection open for as long as it hangs.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

MOUNT_LIMIT_S = 3.0
CHUNK = 1 << 16


class Child:
    """Runs `work` in a forked process that writes its answer to a pipe."""

    def __init__(self, work: Callable[[int], None]) -> None:
        self.started = time.monotonic()
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.reader)
            self._become(work, writer)
        os.close(writer)

    def _become(self, work: Callable[[int], None], writer: int) -> None:
        code = 1
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            work(writer)
            code = 0
        except BaseException as error:  # nothing may return into the program that forked
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(code)

    def finish(self, limit_s: float) -> tuple[int | None, str]:
        """(exit code, output) by `limit_s` after the start; None as code when it did not end."""
        chunks = []
        while True:
            left = self.started + limit_s - time.monotonic()
            if not select.select([self.reader], [], [], max(0, left))[0]:
                os.kill(self.pid, signal.SIGKILL)
                return None, ""
            chunk = os.read(self.reader, CHUNK)
            if not chunk:
                break
            chunks.append(chunk)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), b"".join(chunks).decode(errors="replace")


def run_words(words: list[str]) -> Callable[[int], None]:
    """Work for a Child: become this program, both of its outputs into the pipe."""

    def work(writer: int) -> None:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.execvp(words[0], words)

    return work


def start_look(path: str) -> Child:
    """Begin to look at a folder; finish_look says what it is like."""

    def work(writer: int) -> None:
        full = os.path.expanduser(path)
        stat = os.statvfs(full)
        found = {"free": stat.f_bavail * stat.f_frsize, "writable": os.access(full, os.W_OK)}
        os.write(writer, json.dumps(found).encode())

    return Child(work)


def finish_look(child: Child, path: str) -> dict[str, Any]:
    """What the folder is like; mount source and type come from the kernel's table: no hanging."""
    full = os.path.expanduser(path)
    code, out = child.finish(MOUNT_LIMIT_S)
    found: dict[str, Any] = {"path": full, "hangs": code is None, "exists": code == 0}
    found.update(mount_of(full))
    if code == 0:
        found.update(json.loads(out))
    return found


def mount_of(path: str) -> dict[str, str]:
    """Mount point, source and type of the file system that a path lies on."""
    best: dict[str, str] = {}
    with open("/proc/self/mountinfo") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            point = left.split()[4].encode().decode("unicode_escape")
            kind, source = right.split()[:2]
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best.get("mount", "")):
                best = {"mount": point, "source": source, "type": kind}
    return best


def run_main(main: Callable[[Any], None], request: Any) -> Callable[[int], None]:
    """Work for a Child: a program of ours, what it prints into the pipe."""

    def work(writer: int) -> None:
        sys.stdout = os.fdopen(os.dup(writer), "w")
        main(request)
        sys.stdout.flush()

    return work
