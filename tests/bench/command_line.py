"""What typing a command costs before it does anything: CPU seconds, beside a bare interpreter."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.timing import Row
from tests.testbed.driver import Driver, command
from tests.testbed.testbed import Testbed

ROUNDS = 5
TAB = {
    "_ORCHESTRATE_COMPLETE": "complete_bash",
    "COMP_WORDS": "orchestrate ser",
    "COMP_CWORD": "1",
}


def bench_command_line(state: Path) -> Iterator[Row]:
    """The bare interpreter and each command in turn."""
    python, env = [sys.executable, "-c", "pass"], dict(os.environ)
    for what, words, more in (
        ("--version", ["--version"], {}),
        ("--help", ["--help"], {}),
        ("completing `orchestrate ser`", [], TAB),
    ):
        line = [command(), *words]
        pairs = [(cpu_of(python, env), cpu_of(line, {**env, **more})) for _ in range(ROUNDS)]
        yield Row(
            f"{what}, CPU", [ours for _, ours in pairs], [bare for bare, _ in pairs], "0.15 s"
        )
    with Testbed.up(2, state=state) as testbed:
        orchestrate = Driver(testbed)
        orchestrate("status")
        pairs = [
            (cpu_of(python, env), cpu_seconds(lambda: orchestrate("status"))) for _ in range(ROUNDS)
        ]
    bare, ours = zip(*pairs, strict=True)
    yield Row("status of 2 hosts, CPU", ours, bare, "0.6 s")


def cpu_of(line: Sequence[str], env: Mapping[str, str]) -> float:
    return cpu_seconds(lambda: subprocess.run(line, env=env, stdout=subprocess.DEVNULL, check=True))


def cpu_seconds(call: Callable[[], object]) -> float:
    """User and system time of the processes that `call` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
