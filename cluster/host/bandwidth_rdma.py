"""One end of ib_write_bw: the server where there is no peer, else the client.

Input: {"address": of this end, "port", "seconds", "peer": address or ""}.
Output: {"code": exit code, null when it took too long, "out": text}.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

START_LIMIT_S = 4.0  # how long the server may take until it listens
AGAIN_S = 0.3


def main(request: dict[str, Any]) -> None:
    limit = time.monotonic() + request["seconds"] + 2 * START_LIMIT_S
    tries_until = time.monotonic() + START_LIMIT_S
    code, out = run(request, limit)
    while code and request["peer"] and time.monotonic() < tries_until:
        time.sleep(AGAIN_S)
        code, out = run(request, limit)
    print(json.dumps({"code": code, "out": out}))


def run(request: dict[str, Any], limit: float) -> tuple[int | None, str]:
    """Addresses are resolved by rdma_cm (-R): it finds device and GID from the address."""
    words = ["ib_write_bw", "-R", "-F", "--report_gbits", "-D", str(request["seconds"])]
    words += ["-p", str(request["port"]), "--bind_source_ip", request["address"]]
    words += [request["peer"]] if request["peer"] else []
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=max(0.1, limit - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, "no end within the limit"
    return done.returncode, done.stdout.decode(errors="replace")
