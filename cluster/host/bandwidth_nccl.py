"""One rank of an NCCL all-gather over all hosts; runs with the python of the hosts' environment.

Input: {"rank", "world", "address", "port": of rank 0, "env": of this host, "limit_s"}.
Output: {"gbyte_s": bus bandwidth as nccl-tests count it, "nccl": version} or {"error": text}.
"""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import timedelta
from typing import Any

BYTES = 1 << 30  # of the gathered buffer
WARM_RUNS, RUNS = 5, 20


def main(request: dict[str, Any]) -> None:
    signal.alarm(int(request["limit_s"]))  # NCCL may hang for ever
    os.environ.update(request["env"])
    try:
        answer = gather(request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {str(error)[:400]}"}
    print(json.dumps(answer), flush=True)
    os._exit(0)  # NCCL's own threads may keep a failed run alive


def gather(request: dict[str, Any]) -> dict[str, Any]:
    import torch
    import torch.distributed as dist

    torch.cuda.set_device(request.get("device", 0))
    dist.init_process_group(
        "nccl",
        init_method=f"tcp://{request['address']}:{request['port']}",
        rank=request["rank"],
        world_size=request["world"],
        timeout=timedelta(seconds=request["limit_s"]),
    )
    world = request["world"]
    part = torch.zeros(BYTES // world, dtype=torch.uint8, device="cuda")
    whole = torch.empty(part.numel() * world, dtype=torch.uint8, device="cuda")
    for _ in range(WARM_RUNS):
        dist.all_gather_into_tensor(whole, part)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(RUNS):
        dist.all_gather_into_tensor(whole, part)
    torch.cuda.synchronize()
    each_s = (time.perf_counter() - begun) / RUNS
    share = (world - 1) / world
    version = ".".join(map(str, torch.cuda.nccl.version()))
    return {"gbyte_s": whole.numel() / each_s * share / 1e9, "nccl": version}
