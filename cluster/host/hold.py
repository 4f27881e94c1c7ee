"""Hold a lock of the cluster for as long as the controller lives, and write its audit lines.

Input: {"cluster", "who", "lock": its file}, then a line for each heartbeat, or {"audit": text}; the
end of input or silence lets go, so that no lock outlives a killed controller.
Output: {"held": true} or {"busy": who}.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import time
from pathlib import Path
from typing import Any

SILENCE_LIMIT_S = 30


def main(request: dict[str, Any]) -> None:
    folder = Path.home() / ".orchestrate" / request["cluster"]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(str(folder / request["lock"]), os.O_CREAT | os.O_RDWR, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(json.dumps({"busy": lock.read().strip() or "another run"}), flush=True)
            return
        lock.truncate()
        lock.write(f"{request['who']} since {time.strftime('%F %T %Z')}")
        lock.flush()
        print(json.dumps({"held": True}), flush=True)
        listen(folder / "audit")
        lock.truncate(0)


def listen(audit: Path) -> None:
    """Until the controller goes. Bytes are read as they come: select knows nothing of buffers."""
    while select.select([0], [], [], SILENCE_LIMIT_S)[0]:
        received = os.read(0, 1 << 16)
        if not received:
            return
        for line in received.decode(errors="replace").splitlines():
            if line.startswith("{"):
                with open(audit, "a") as file:
                    file.write(f"{time.strftime('%FT%T%z')} {json.loads(line)['audit']}\n")
