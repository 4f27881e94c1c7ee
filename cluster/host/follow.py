"""Print a service's log as it grows, and how the service ended.

Input: {"mark", "lines": how many old ones, "follow": bool}; closing the input ends it.
Output, one JSON value a line: {"line": text} or, last, {"exit": {code, reason, at}}.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path
from typing import Any, BinaryIO

from cluster.host import services

POLL_S = 0.1
TAIL_BYTES = 1 << 20


def main(request: dict[str, Any]) -> None:
    folder = services.service_folder(request["mark"])
    path = folder / "log"
    log = open_tail(path, request["lines"])
    while True:
        ended = services.read_record(folder / "exit.json")
        alive = services.supervisor_of(folder)
        quiet = log is None or not print_new(log)
        if log is None or replaced(log, path):
            log = open_tail(path, request["lines"]) if log is None else open_tail(path, None)
            quiet = log is None
        if not request["follow"]:
            return
        if quiet and (ended or not alive):
            print(json.dumps({"exit": ended or {"code": None, "reason": "vanished", "at": None}}))
            return
        if quiet and select.select([sys.stdin], [], [], POLL_S)[0]:
            return


def open_tail(path: Path, lines: int | None) -> BinaryIO | None:
    """The log, placed before its last `lines` lines; at its start for None."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    if lines is not None:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - TAIL_BYTES)
        file.seek(start)
        tail = file.read().splitlines(keepends=True)
        file.seek(size - sum(map(len, tail[len(tail) - lines :] if lines else [])))
    return file


def replaced(log: BinaryIO, path: Path) -> bool:
    """A new run has its own file; a bounded one has become shorter."""
    try:
        now = path.stat()
    except OSError:
        return False
    return now.st_ino != os.fstat(log.fileno()).st_ino or now.st_size < log.tell()


def print_new(log: BinaryIO) -> bool:
    printed = False
    for line in iter(log.readline, b""):
        print(json.dumps({"line": line.decode(errors="replace").rstrip("\r\n")}), flush=True)
        printed = True
    return printed
