"""Stop services: TERM, wait, KILL what still carries their mark; say what is left.

Input: {"marks": [cluster/node or cluster/node/service], "grace_s", "remove": [folders of ours],
"keep_record": bool}.
Output: {"stopped": {mark: number of processes}, "killed": [command lines], "left": {pid: command
line}}.
"""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cluster.host import services

KILL_LIMIT_S = 10
POLL_S = 0.05


def main(request: dict[str, Any]) -> None:
    marks = request["marks"]
    found = living(marks)
    stopped = Counter(found.values())
    for pid in main_processes(marks) or found:
        services.send(pid, signal.SIGTERM)
    left = wait_until_gone(marks, request["grace_s"])
    killed = {pid: services.command_line(pid) for pid in left}
    deadline = time.monotonic() + KILL_LIMIT_S
    while left and time.monotonic() < deadline:
        for pid in left:
            services.send(pid, signal.SIGKILL)
        left = wait_until_gone(marks, 0.2)
    for folder in request["remove"]:
        shutil.rmtree(folder, ignore_errors=True)
    for mark in () if request["keep_record"] else marks:
        forget(services.service_folder(mark))
    print(
        json.dumps(
            {
                "stopped": stopped,
                "killed": sorted(filter(None, killed.values())),
                "left": {pid: services.command_line(pid) for pid in left},
            }
        )
    )


def living(marks: list[str]) -> dict[int, str]:
    return {pid: mark for prefix in marks for pid, mark in services.marked(prefix).items()}


def main_processes(marks: list[str]) -> list[int]:
    """The supervisors: each passes TERM on to its service and then clears up after it."""
    found = []
    for mark in marks:
        for file in services.service_folder(mark).rglob("pid"):
            identity = (services.read_json(file) or {}).get("supervisor") or [0]
            if services.is_alive(identity):
                found.append(int(identity[0]))
    return found


def wait_until_gone(marks: list[str], limit_s: float) -> dict[int, str]:
    deadline = time.monotonic() + limit_s
    while True:
        left = living(marks)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)


def forget(folder: Path) -> None:
    """Drop what may hold secrets; the log stays, to be read after the fact."""
    for name in ("spec.json", "pid", "launching"):
        for file in folder.rglob(name):
            file.unlink()
