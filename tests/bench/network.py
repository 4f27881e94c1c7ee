"""What `cluster check` costs, and how true its bandwidth is, side by side with a bare program."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.timing import Row, seconds
from tests.testbed.driver import Driver
from tests.testbed.testbed import Testbed

STATE = Path("/tmp/orchestrate-testbed-bench")
ROUNDS = 5
PORT = 7777
# one stream, copied in and out: what a person writes in a minute
RECEIVE = """
import socket, sys, time
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
stream, _ = listener.accept()
room, count, begun = bytearray(1 << 20), 0, time.monotonic()
while time.monotonic() < begun + 1.6:
    count += stream.recv_into(room)
print(count * 8 / (time.monotonic() - begun) / 1e9)
"""
SEND = """
import contextlib, socket, sys
stream, room = socket.create_connection((sys.argv[1], int(sys.argv[2]))), bytes(1 << 20)
with contextlib.suppress(OSError):
    while True:
        stream.send(room)
"""


def bench_check() -> Iterator[Row]:
    """All checks, those between hosts with them, against `status`, which asks for facts alone."""
    for count in (2, 4, 8):
        with Testbed.up(count, state=STATE) as testbed:
            orchestrate = Driver(testbed)
            orchestrate("status")
            ours, other = [], []
            for _ in range(ROUNDS):
                ours.append(seconds(lambda: orchestrate("cluster", "check")))  # noqa: B023
                other.append(seconds(lambda: orchestrate("status")))  # noqa: B023
        yield Row(f"cluster check, {count} hosts, against status", ours, other)


def bench_bandwidth() -> Iterator[Row]:
    """In Gb/s, not seconds."""
    with Testbed.up(2, state=STATE) as testbed:
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(measured(testbed))
            bare.append(bare_gbit(testbed))
        yield Row("bandwidth (Gb/s), against one bare stream", ours, bare, "ratio >= 1")
        testbed.hosts[1].shape("fast", "100mbit")
        shaped = [measured(testbed) for _ in range(ROUNDS)]
        yield Row("bandwidth of 100 Mbit/s (Gb/s)", shaped, [0.1], "ratio 0.95 to 1.05")


def measured(testbed: Testbed) -> float:
    """From h1 to h2."""
    report = json.loads(Driver(testbed)("cluster", "check", "--bandwidth", "--json").stdout)
    found = {each["measured"]["source"]: each["measured"]["gbit"] for each in report["rates"]}
    return float(found["h1"])


def bare_gbit(testbed: Testbed) -> float:
    one, two = testbed.hosts
    receiver = two.popen(["python3", "-c", RECEIVE, two.fast, str(PORT)])
    assert receiver.stdout
    assert receiver.stdout.readline() == "ready\n"
    sender = one.popen(["python3", "-c", SEND, two.fast, str(PORT)], stdout=subprocess.DEVNULL)
    rate = float(receiver.stdout.read())
    receiver.wait()
    sender.wait()
    return rate
