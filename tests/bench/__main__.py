"""`scripts/bench [NAME ...]`: every figure that the docs quote; BENCHES below has the names."""

import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from tests.bench.by_hand import serve_bare, start_ray
from tests.bench.command_line import bench_command_line
from tests.bench.copying import bench_sync
from tests.bench.hashing import bench_verify
from tests.bench.load import bench_load
from tests.bench.network import bench_bandwidth, bench_check
from tests.bench.sampling import bench_sample
from tests.bench.timing import HEADER, Row, seconds
from tests.testbed.driver import Driver
from tests.testbed.programs import Completed
from tests.testbed.testbed import Testbed, default_state

STATE = Path(f"{default_state()}-bench")
START_ROUNDS, SERVE_ROUNDS, STATUS_ROUNDS = 3, 3, 7


def must(done: Completed) -> None:
    if done.returncode:
        sys.exit(f"{done.args}: {done.stdout}{done.stderr}")


def bench_start() -> Iterator[Row]:
    """By hand and by us in turn, each on fresh hosts."""
    for count in (4, 8):
        ours, other = [], []
        for _ in range(START_ROUNDS):
            with Testbed.up(count, state=STATE) as testbed:
                other.append(seconds(lambda: start_ray(testbed)))
            with Testbed.up(count, state=STATE) as testbed:
                orchestrate = Driver(testbed)
                ours.append(seconds(lambda: must(orchestrate("cluster", "start"))))  # noqa: B023
        yield Row(f"cluster start, {count} hosts, against by hand", ours, other, "ratio <= 0.80")


def bench_serve() -> Iterator[Row]:
    """Tensor parallel 2 over two hosts, from the command to the first answer; caches warm."""
    ours, other = [], []
    with Testbed.up(2, state=STATE) as testbed:
        orchestrate = Driver(testbed)
        must(orchestrate("cluster", "start"))
        must(orchestrate("serve", "--model", "tiny"))
        spec = testbed.hosts[0].run(["cat", "/root/.orchestrate/lab/h1/vllm-tiny/spec.json"])
        (testbed.state / "spec.json").write_text(spec.stdout)
        for _ in range(SERVE_ROUNDS):
            fresh_ray(orchestrate)
            other.append(seconds(lambda: serve_bare(testbed)))
            fresh_ray(orchestrate)
            ours.append(seconds(lambda: must(orchestrate("serve", "--model", "tiny"))))
    yield Row("serve to first answer, against bare vllm", ours, other, "ratio <= 1.05")


def fresh_ray(orchestrate: Driver) -> None:
    must(orchestrate("teardown", "--yes"))
    must(orchestrate("cluster", "start"))


def bench_status() -> Iterator[Row]:
    found = {}
    for count in (2, 32):
        with Testbed.up(count, state=STATE) as testbed:
            orchestrate = Driver(testbed)
            must(orchestrate("status"))
            found[count] = [
                seconds(lambda: must(orchestrate("status")))  # noqa: B023
                for _ in range(STATUS_ROUNDS)
            ]
    yield Row("status, 2 hosts", found[2], (), "< 1 s")
    yield Row("status, 32 hosts, against 2 hosts", found[32], found[2], "ratio <= 3")


def bench_teardown() -> Iterator[Row]:
    with Testbed.up(4, state=STATE) as testbed:
        orchestrate = Driver(testbed)
        taken = []
        for _ in range(3):
            must(orchestrate("cluster", "start"))
            taken.append(seconds(lambda: must(orchestrate("teardown", "--yes"))))
        left = sum(len(host.marked()) for host in testbed.hosts)
    yield Row(f"teardown, 4 hosts ({left} marked processes left)", taken, (), "<= 5 s, 0 left")


def bench_models_sync() -> Iterator[Row]:
    yield from bench_sync(STATE, must)


def bench_cli() -> Iterator[Row]:
    yield from bench_command_line(STATE)


BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "cli": bench_cli,
    "start": bench_start,
    "serve": bench_serve,
    "status": bench_status,
    "teardown": bench_teardown,
    "load": bench_load,
    "verify": bench_verify,
    "check": bench_check,
    "bandwidth": bench_bandwidth,
    "sync": bench_models_sync,
    "sample": bench_sample,
}


def main() -> None:
    """Print one row a figure, with the machine and the versions it was measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ray", "vllm", "torch"))
    print(f"{platform.platform()}, Python {platform.python_version()}, {versions}")
    print(HEADER)
    for name in sys.argv[1:] or BENCHES:
        for row in BENCHES[name]():
            print(row, flush=True)


if __name__ == "__main__":
    main()
