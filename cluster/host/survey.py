"""All facts of a host and those that only a check needs, in one round trip.

Input: that of cluster.host.probe, and {"worker_ports": [first, last], "names": to be
looked up besides its own, or null for none at all}.
Output: that of cluster.host.probe, and "survey".
"""

from __future__ import annotations

import contextlib
import functools
import glob
import json
import os
from typing import Any

from cluster.host import holders, probe, resolver, services, session, storage

LIBRARY = "libnccl.so.2"
LIBRARY_PLACES = (
    "/usr/lib/*-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/cuda*/lib64",
    "/usr/local/nccl*/lib",
)


def main(request: dict[str, Any]) -> None:
    installed = probe.on_path("nvidia-smi")
    users = storage.Child(storage.run_words(holders.USERS_WORDS)) if installed else None
    servers, names = resolver.start(request["names"])
    first, last = request["worker_ports"]
    facts = probe.facts({**request, "ports": [*request["ports"], *range(first, last + 1)]})
    marks = services.marks()
    fact = functools.partial(probe.guarded_fact, facts["unread"])
    facts["survey"] = {
        "gpu_users": fact("gpu_users", [], holders.gpu_users, users, marks),
        "memory": fact("memory_use", {}, holders.memory_use),
        "biggest": fact("biggest", [], holders.biggest, marks),
        **session.limits(),
        "logind": session.logind(facts["user"]),
        "shm_total": total_bytes("/dev/shm"),
        "nccl": fact("nccl", {}, system_nccl),
        "dns": fact("dns", {}, resolver.finish, servers),
        "names": fact("names", {}, resolver.finish, names),
    }
    print(json.dumps(facts))


def total_bytes(path: str) -> int | None:
    with contextlib.suppress(OSError):
        stat = os.statvfs(path)
        return stat.f_blocks * stat.f_frsize
    return None


def system_nccl() -> dict[str, str]:
    """Path and version of each NCCL outside the virtual environment, as its file name says."""
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    found = {}
    for place in [*LIBRARY_PLACES, *filter(None, folders)]:
        for path in glob.glob(f"{place}/{LIBRARY}"):
            real = os.path.realpath(path)
            found[real] = real.rpartition(".so.")[2]
    return found
