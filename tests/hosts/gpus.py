"""A stand-in nvidia-smi: what the driver says of GPUs and of who uses them, as a test wrote it."""

import shlex
from collections.abc import Sequence

from tests.testbed.host import Host

PLACE = "/usr/local/bin/nvidia-smi"
MIB_TOTAL, MIB_IDLE = 143771, 143000


def give_gpus(host: Host, count: int, *, users: Sequence[str] = (), driver: str = "580.95") -> None:
    """Put the stand-in on the host; `users` are rows of --query-compute-apps."""
    gpus = [
        f"{n}, NVIDIA H200, {MIB_TOTAL}, {MIB_IDLE}, 9.0, {driver}, GPU-{n}" for n in range(count)
    ]
    answers = {"--query-gpu": gpus, "--query-compute-apps": users}
    cases = "\n".join(
        f"{option}=*) printf '%s\\n' {shlex.join(rows)};;"
        for option, rows in answers.items()
        if rows
    )
    install(host, f"case $1 in\n{cases}\nesac")


def break_driver(host: Host, how: str) -> None:
    """`how` is a line of shell, as `exec sleep 60`."""
    install(host, how)


def install(host: Host, script: str) -> None:
    host.run(f"cat > {PLACE} && chmod +x {PLACE}", input=f"#!/bin/sh\n{script}\n")


def take_gpus(host: Host) -> None:
    """Undo it."""
    host.run(["rm", "-f", PLACE])
