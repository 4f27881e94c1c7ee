"""Send to another host, or receive from one, over several TCP streams, and say how fast it was.

Input: {"address" of the fast link}, then a line for each run, until the end of the input:
{"run": number, "receive": {"streams", "warm_s", "seconds"}} or
{"run": number, "send": {"address", "port", "streams", "limit_s"}}.
Output: {"ib_write_bw": is it there}, then for a receiver {"run", "port"} and
{"run", "bits_per_s", "busy"}, for a sender {"run", "busy"}, or {"run", "error"}; `busy` is the
share of all CPUs that worked meanwhile.

The receiver counts, within a window that begins after slow start. The kernel drops what arrives
(MSG_TRUNC) and sends from memory without a copy (sendfile): the link is measured, not Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

CONNECT_LIMIT_S = 5.0
SILENCE_LIMIT_S = 60  # then SIGALRM ends the program
CHUNK = 8 << 20
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: what is under way is dropped by close()


def main(request: dict[str, Any]) -> None:
    say({"ib_write_bw": shutil.which("ib_write_bw") is not None})
    signal.alarm(SILENCE_LIMIT_S)
    for line in sys.stdin:
        signal.alarm(SILENCE_LIMIT_S)
        asked = json.loads(line)
        try:
            if "receive" in asked:
                answer = receive(request["address"], asked["run"], asked["receive"])
            else:
                answer = send(asked["send"])
        except OSError as error:
            answer = {"error": str(error)}
        say({"run": asked["run"], **answer})


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def receive(address: str, run: int, asked: dict[str, Any]) -> dict[str, Any]:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen(asked["streams"])
        listener.settimeout(CONNECT_LIMIT_S)
        say({"run": run, "port": listener.getsockname()[1]})
        streams = [listener.accept()[0] for _ in range(asked["streams"])]
    counts = [0] * len(streams)
    threads = [
        threading.Thread(target=drain, args=(stream, counts, place), daemon=True)
        for place, stream in enumerate(streams)
    ]
    for thread in threads:
        thread.start()
    time.sleep(asked["warm_s"])
    cpu, before, begun = cpu_times(), sum(counts), time.monotonic()
    time.sleep(asked["seconds"])
    after, ended = sum(counts), time.monotonic()
    busy = busy_share(cpu, cpu_times())
    for stream in streams:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(1)
    for stream in streams:
        stream.close()
    return {"bits_per_s": (after - before) * 8 / (ended - begun), "busy": busy}


def drain(stream: socket.socket, counts: list[int], place: int) -> None:
    room = bytearray(CHUNK)
    stream.settimeout(None)
    with contextlib.suppress(OSError):
        while got := stream.recv_into(room, CHUNK, socket.MSG_TRUNC):
            counts[place] += got


def send(asked: dict[str, Any]) -> dict[str, Any]:
    """Until the receiver closes, or the limit."""
    memory = os.memfd_create("orchestrate-bandwidth")
    try:
        os.write(memory, bytes(CHUNK))
        streams = [
            socket.create_connection((asked["address"], asked["port"]), CONNECT_LIMIT_S)
            for _ in range(asked["streams"])
        ]
        threads = [
            threading.Thread(target=pour, args=(stream, memory), daemon=True) for stream in streams
        ]
        cpu, limit = cpu_times(), time.monotonic() + asked["limit_s"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))
        busy = busy_share(cpu, cpu_times())
        for stream in streams:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()
        return {"busy": busy}
    finally:
        os.close(memory)


def pour(stream: socket.socket, memory: int) -> None:
    stream.settimeout(None)
    with contextlib.suppress(OSError):
        while True:
            os.sendfile(stream.fileno(), memory, 0, CHUNK)


def cpu_times() -> list[int]:
    """Of all CPUs together: user, nice, system, idle, iowait, ..."""
    with contextlib.suppress(OSError, ValueError):
        return [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return []


def busy_share(before: list[int], after: list[int]) -> float:
    spent = sum(after) - sum(before)
    return 1 - (sum(after[3:5]) - sum(before[3:5])) / spent if spent else 0.0
