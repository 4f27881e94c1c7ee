"""File systems that may hang: looked at from a child process, with a deadline."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MOUNT_LIMIT_S = 3.0
LOOK = """
import json, os, sys
path = sys.argv[1]
stat = os.statvfs(path)
print(json.dumps({"free": stat.f_bavail * stat.f_frsize, "writable": os.access(path, os.W_OK)}))
"""


class Child:
    """A program whose output goes to a file: one that never ends is left behind, not waited for."""

    def __init__(self, words: list[str]) -> None:
        self.out = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        self.missing = False
        try:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, close_fds=True
            )
        except OSError:
            self.missing = True
        self.started = time.monotonic()

    def finish(self, limit_s: float) -> tuple[int | None, str]:
        """(exit code, output) by `limit_s` after the start; None as code when it did not end."""
        while self.process.poll() is None:
            if time.monotonic() > self.started + limit_s:
                self.process.kill()  # a process stuck in the kernel survives this
                return None, ""
            time.sleep(0.005)
        self.out.seek(0)
        return self.process.returncode, self.out.read().decode(errors="replace")


def start_look(path: str) -> Child:
    return Child([sys.executable, "-c", LOOK, os.path.expanduser(path)])


def finish_look(child: Child, path: str) -> dict[str, Any]:
    """What the folder is like; mount source and type come from the kernel's table: no hanging."""
    import json

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
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].encode().decode("unicode_escape")
        kind, source = right.split()[:2]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best.get("mount", "")):
            best = {"mount": point, "source": source, "type": kind}
    return best
