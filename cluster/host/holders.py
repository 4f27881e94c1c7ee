"""Who holds the GPUs' memory, and who the machine's; with our mark, where a process carries one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from cluster.host import gpus, services, storage

USERS_QUERY = "gpu_uuid,pid,process_name,used_gpu_memory"
USERS_WORDS = ["nvidia-smi", f"--query-compute-apps={USERS_QUERY}", "--format=csv,noheader,nounits"]
USERS_LIMIT_S = 5
BIGGEST = 5
MEMINFO = {
    "MemFree": "free",
    "Shmem": "shared",
    "AnonPages": "processes",
    "SwapTotal": "swap_total",
    "SwapFree": "swap_free",
}
CACHES = {"Buffers": 1, "Cached": 1, "SReclaimable": 1, "Shmem": -1}  # Cached counts Shmem too


def gpu_users(asked: storage.Child | None, marks: dict[int, str]) -> list[dict[str, Any]]:
    """Compute processes on the GPUs; memory in bytes, None where the driver says N/A."""
    code, out = asked.finish(USERS_LIMIT_S) if asked else (None, "")
    found = []
    for line in out.splitlines() if code == 0 else ():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) < 4 or not parts[1].isdecimal():
            continue
        pid = int(parts[1])
        found.append(
            {
                "gpu": parts[0],
                "pid": pid,
                "name": ",".join(parts[2:-1]) or services.command_line(pid),
                "memory": gpus.mebibytes(parts[-1]),
                "mark": marks.get(pid),
            }
        )
    return found


def memory_use() -> dict[str, int]:
    """Bytes by kind; `page_cache` is what the kernel gives back when it is asked."""
    found = dict.fromkeys([*MEMINFO.values(), "page_cache"], 0)
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        size = int(rest.split()[0]) * 1024
        if name in MEMINFO:
            found[MEMINFO[name]] = size
        found["page_cache"] += CACHES.get(name, 0) * size
    return found


def biggest(marks: dict[int, str]) -> list[dict[str, Any]]:
    """The processes with most resident memory, largest first."""
    page = os.sysconf("SC_PAGE_SIZE")
    sizes = {}
    for pid in services.processes().keys() - {os.getpid()}:
        with contextlib.suppress(OSError, ValueError, IndexError):
            sizes[pid] = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
    largest = sorted(sizes, key=lambda pid: -sizes[pid])[:BIGGEST]
    return [
        {
            "pid": pid,
            "name": services.command_line(pid)[:80],
            "memory": sizes[pid],
            "mark": marks.get(pid),
        }
        for pid in largest
    ]
