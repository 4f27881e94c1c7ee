"""Hold a lock of the cluster for as long as the controller lives, and write its audit lines.

Input: {"cluster", "who", "lock": its file}, then a line for each heartbeat, {"audit": text} or
{"ask": number}; the end of input or silence lets go, so that no lock outlives a killed controller.
Output: {"held": true}, {"busy": who} or {"problem": why there can be no lock}, before it
{"unsigned"} where the disk does not take the holder's name; then {"still": number} for each ask and
{"problem"} for an audit line that could not be written: a full disk does not let a lock go.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import time
from pathlib import Path
from typing import Any, TextIO

from cluster.host import services

SILENCE_LIMIT_S = 30
NAME_LIMIT = 200


def main(request: dict[str, Any]) -> None:
    folder = Path.home() / ".orchestrate" / request["cluster"]
    try:
        services.private_folder(folder)
        path = folder / request["lock"]
        lock = open(os.open(str(path), os.O_CREAT | os.O_RDWR, 0o600), "r+", errors="replace")  # noqa: SIM115
    except OSError as error:
        say({"problem": f"{error.filename or folder}: {error.strerror}"})
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say({"busy": lock.read(NAME_LIMIT).strip() or "another run"})
            return
        except OSError as error:  # a file system without locks
            say({"problem": f"{path}: {error.strerror}"})
            return
        sign(lock, f"{request['who']} since {time.strftime('%F %T %Z')}")
        say({"held": True})
        listen(folder / "audit")
        sign(lock, "")


def say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def sign(lock: TextIO, text: str) -> None:
    """Who holds it: for others to read. Held is held, whether or not that fits on the disk."""
    try:
        lock.seek(0)
        lock.truncate()
        lock.write(text)
        lock.flush()
    except OSError as error:
        say({"unsigned": f"the lock's holder is not written: {error.strerror}"})


def listen(audit: Path) -> None:
    """Until the controller goes. Bytes are read as they come: select knows nothing of buffers."""
    rest = b""
    while select.select([0], [], [], SILENCE_LIMIT_S)[0]:
        received = os.read(0, 1 << 16)
        if not received:
            return
        *lines, rest = (rest + received).split(b"\n")
        for line in filter(None, lines):
            obey(json.loads(line), audit)


def obey(request: dict[str, Any], audit: Path) -> None:
    if "ask" in request:
        say({"still": request["ask"]})
        return
    try:
        with open(os.open(str(audit), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a") as file:
            file.write(f"{time.strftime('%FT%T%z')} {request['audit']}\n")
    except OSError as error:
        say({"problem": f"the audit line is not written: {audit}: {error.strerror}"})
