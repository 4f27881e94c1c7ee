"""Stop services: TERM, wait, KILL what still carries their mark; say what is left.

Input: {"marks": [cluster/node or cluster/node/service], "grace_s", "remove": [folders of ours],
"keep_record": bool, "run": which run of the controller may stop its own services and what is left
where no supervisor runs; empty for whatever carries the mark}.
Output: {"stopped": {mark: number of processes}, "killed": [command lines], "left": {pid: command
line}, "kept": [what could not be removed]}.
Needs the kernel's table of processes and signals, and nothing that a broken disk lacks.
"""

from __future__ import annotations

import contextlib
import json
import os
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
    marks = [mark for mark in request["marks"] if is_meant(mark, request.get("run", ""))]
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
    whole = len(marks) == len(request["marks"])  # else another run uses the folder now
    folders = request["remove"] if whole else []
    kept = [line for folder in folders for line in remove(Path(folder))]
    for mark in () if request["keep_record"] else marks:
        kept += forget(services.service_folder(mark))
    print(
        json.dumps(
            {
                "stopped": stopped,
                "killed": sorted(filter(None, killed.values())),
                "left": {pid: services.command_line(pid) for pid in left},
                "kept": kept[:20],
            }
        )
    )


def is_meant(mark: str, run: str) -> bool:
    """Another run may have started the service anew since: that one is not this run's to stop."""
    folder = services.service_folder(mark)
    if not run or services.supervisor_of(folder) is None:
        return True
    return bool(services.read_record(folder / "spec.json").get("run") == run)


def living(marks: list[str]) -> dict[int, str]:
    return {pid: mark for prefix in marks for pid, mark in services.marked(prefix).items()}


def main_processes(marks: list[str]) -> list[int]:
    """The supervisors: each passes TERM on to its service and then clears up after it."""
    found = []
    for mark in marks:
        with contextlib.suppress(OSError):
            for file in services.service_folder(mark).rglob("pid"):
                if running := services.supervisor_of(file.parent):
                    found.append(running[0])
    return found


def wait_until_gone(marks: list[str], limit_s: float) -> dict[int, str]:
    deadline = time.monotonic() + limit_s
    while True:
        left = living(marks)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)


def remove(folder: Path) -> list[str]:
    """A folder of ours with all that is in it; what could not go. Another user's is left alone."""
    kept: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        if folder.lstat().st_uid != os.getuid():
            return [f"{folder}: belongs to another user"]
        shutil.rmtree(folder, onerror=lambda _, path, error: kept.append(f"{path}: {error[1]}"))
    return kept


def forget(folder: Path) -> list[str]:
    """Drop what may hold secrets; the log stays, to be read after the fact. What could not go."""
    kept = []
    for name in ("spec.json", "pid", "launching"):
        try:
            for file in list(folder.rglob(name)):
                services.drop(file)
        except OSError as error:
            kept.append(f"{folder}/{name}: {error.strerror}")
    return kept
