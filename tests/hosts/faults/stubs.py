"""Programs of a host that are old, gone, slow or talkative, and a login shell that is no better."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.hosts.faults.ground import HOME
from tests.hosts.gpus import break_driver, take_gpus
from tests.testbed.host import Host

REAL = "/usr/bin/python3"
AS_PYTHON = """exec {real} -c '{before}
import sys
exec(sys.argv.pop(1))' "$2" "$3\""""
OLD = 'import sys; sys.version_info = (3, 8, 10, "final", 0)'
AHEAD = "import time; now = time.time; time.time = lambda: now() + 86400"


@contextmanager
def python3(host: Host, script: str) -> Iterator[None]:
    """A python3 before the real one on the PATH: a line of shell."""
    path = "/usr/local/bin/python3"
    host.run(f"cat > {path} && chmod +x {path}", input=f"#!/bin/sh\n{script}\n")
    try:
        yield
    finally:
        host.run(["rm", path])


old_python = partial(python3, script=AS_PYTHON.format(real=REAL, before=OLD))
fast_clock = partial(python3, script=AS_PYTHON.format(real=REAL, before=AHEAD))
no_python = partial(python3, script='echo "python3: command not found" >&2; exit 127')
hung_python = partial(python3, script="exec sleep 36000")
broken_python = partial(python3, script='echo "Segmentation fault" >&2; kill -SEGV $$')
endless_answer = partial(python3, script="exec cat /dev/zero")
endless_lines = partial(python3, script="exec yes '{\"answer\": 1}'")
endless_errors = partial(python3, script="exec yes 'warning: nobody reads this' >&2")
few_files = partial(python3, script=f'ulimit -n 4; exec {REAL} "$@"')


@contextmanager
def banners(host: Host) -> Iterator[None]:
    """The login shell and python3 both greet whoever comes, on both outputs."""
    talk = "echo 'Welcome! {\"held\": 0}'; echo 'Unauthorised use is forbidden' >&2"
    with bashrc(host, talk), python3(host, f'{talk}; exec {REAL} "$@"'):
        yield


@contextmanager
def bashrc(host: Host, script: str) -> Iterator[None]:
    """What the shell of everybody who comes by SSH reads first."""
    host.run(f"cat > {HOME}/.bashrc", input=f"{script}\n")
    try:
        yield
    finally:
        host.run(f": > {HOME}/.bashrc")


hung_shell = partial(bashrc, script="sleep 36000")
leaving_shell = partial(bashrc, script="exit 3")


@contextmanager
def driver(host: Host, how: str) -> Iterator[None]:
    """An nvidia-smi that does what a line of shell says."""
    break_driver(host, how)
    try:
        yield
    finally:
        take_gpus(host)


garbage_driver = partial(driver, how="head -c 5000 /dev/urandom; printf ',,,\\nx, y\\n1\\n'")
hung_driver = partial(driver, how="exec sleep 36000")
failing_driver = partial(driver, how="echo 'Unable to determine the device handle'; exit 14")


@contextmanager
def no_processes(host: Host) -> Iterator[None]:
    """No more than run now: sshd lives, and cannot start anything."""
    group = "/sys/fs/cgroup/pids"
    host.run(f"echo $(cat {group}/pids.current) > {group}/pids.max")
    try:
        yield
    finally:
        host.run(f"echo max > {group}/pids.max")
