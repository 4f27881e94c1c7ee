"""Our own files on a host, damaged, and a lock that is not what it should be."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.hosts.faults.ground import FOLDER, OTHER_CLUSTER
from tests.hosts.lab import Lab
from tests.testbed.host import Host
from tests.testbed.programs import poll

RECORDS = ("spec.json", "pid", "exit.json")
OTHER_JSON = {"spec.json": [1, "two"], "pid": {"supervisor": "three"}, "exit.json": 4.5}
OTHER_TYPES = {
    "spec.json": {"words": 1, "env": [2], "about": "3", "started": "four", "run": {}},
    "pid": {"supervisor": [1, 2, 3], "child": {}},
    "exit.json": {"code": [], "reason": {"deep": [1]}, "at": "never"},
}
GARBAGE = "head -c 3000 /dev/urandom"
ANSI = r"printf '\033]0;owned\007\033[2J\033]52;c;ZXZpbA==\007 \377\376 INFO \000 end\n'"


@contextmanager
def each_record(host: Host, command: str) -> Iterator[None]:
    """Run a line of shell for every record of every service there, as $file; not undone."""
    names = " -o -name ".join(RECORDS)
    host.run(f"find {FOLDER} -name {names} | while read file; do {command}; done")
    yield


@contextmanager
def written(host: Host, values: dict[str, object]) -> Iterator[None]:
    """Put these values into the records of every service there."""
    for folder in host.run(f"ls -d {FOLDER}/{host.name}/*").stdout.split():
        for name, value in values.items():
            host.run(f"cat > {folder}/{name}", input=json.dumps(value))
    yield


other_json = partial(written, values=OTHER_JSON)
other_types = partial(written, values=OTHER_TYPES)
binary = partial(each_record, command=f"{GARBAGE} > $file")
cut_off = partial(each_record, command="truncate -s $(($(stat -c %s $file) / 2)) $file")
emptied = partial(each_record, command=": > $file")
folders = partial(each_record, command="rm $file; mkdir -p $file/inner")


@contextmanager
def garbled_logs(host: Host) -> Iterator[None]:
    """Random bytes and escape sequences at the end of every log."""
    host.run(f"for log in {FOLDER}/{host.name}/*/log; do ({GARBAGE}; {ANSI}) >> $log; done")
    yield


@contextmanager
def deleted(host: Host) -> Iterator[None]:
    """All that we keep there is gone, while what it tells of runs on."""
    host.run(["rm", "-rf", FOLDER])
    yield


@contextmanager
def pid_of_a_stranger(host: Host) -> Iterator[None]:
    """The kernel gave the supervisors' numbers to somebody else, and the records kept them."""
    (pid,) = host.marked(OTHER_CLUSTER)
    ticks = host.run(["cut", "-d", " ", "-f", "22", f"/proc/{pid}/stat"]).stdout
    identity = [pid, int(ticks)]
    with written(host, {"pid": {"supervisor": identity, "child": identity}}):
        yield


@contextmanager
def stale_lock(host: Host, text: str) -> Iterator[None]:
    """The lock's file says that somebody has it, and nobody does."""
    host.run(f"mkdir -p {FOLDER} && printf '{text}' > {FOLDER}/lock")
    yield


@contextmanager
def held_lock(host: Host) -> Iterator[None]:
    """A process that answers nobody has the lock, and the file is no text."""
    host.run(f"mkdir -p {FOLDER} && {GARBAGE} > {FOLDER}/lock")
    holder = host.popen(f"exec 9>>{FOLDER}/lock; flock 9; exec sleep 36000")
    taken = ["sh", "-c", f"! flock -n {FOLDER}/lock true"]
    poll(lambda: host.run(taken, check=False).returncode == 0, "the lock is held")
    try:
        yield
    finally:
        holder.kill()
        holder.communicate()


@contextmanager
def renamed(lab: Lab, old: str, new: str, tables: str) -> Iterator[None]:
    """Another name of the same host in nodes.toml, while services run that know the old one."""
    lab.use(nodes={old: {"name": new}}, tables=tables)
    yield
