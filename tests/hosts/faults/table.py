"""The faults, a line each. Exit codes are those of cluster start, serve, status and teardown."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from tests.hosts.faults import disks, records, roads, services, stubs
from tests.hosts.faults.fault import SERVED, Fault
from tests.hosts.faults.ground import HOME, TABLES
from tests.hosts.lab import Lab
from tests.testbed.host import Host

Made = AbstractContextManager[None]
H1, H2, BOTH = ("h1",), ("h2",), ("h1", "h2")


def head(make: Callable[[Host], Made]) -> Callable[[Lab], Made]:
    return lambda lab: make(lab.hosts[0])


def worker(make: Callable[[Host], Made]) -> Callable[[Lab], Made]:
    return lambda lab: make(lab.hosts[1])


def full(path: str) -> Callable[[Host], Made]:
    return lambda host: disks.full(host, path)


def service(make: Callable[[Host, str], Made], name: str) -> Callable[[Host], Made]:
    return lambda host: make(host, name)


FAULTS = (
    # -- disks
    Fault("the head's home is full", head(full(HOME)), H1, "1 1 0 0", "free on|No space"),
    Fault(
        "the head's home is read-only",
        head(partial(disks.read_only, path=HOME)),
        H1,
        "1 1 0 0",
        "Read-only file system",
    ),
    Fault(
        "the head's ~/.orchestrate is closed", head(disks.closed), H1, "1 1 0 0", "not permitted"
    ),
    Fault("the worker's home is full", worker(full(HOME)), H2, "1 1 0 0", "free on"),
    Fault(
        "the worker's home is read-only",
        worker(partial(disks.read_only, path=HOME)),
        H2,
        "1 0 0 0",
        "Read-only file system",
    ),
    Fault("the worker's ~/.orchestrate is closed", worker(disks.closed), H2, "1 0 0 0", "not perm"),
    Fault("the head's /tmp is full", head(full("/tmp")), H1, "1 1 0 0", "free on /tmp"),
    # -- what we keep on a host
    Fault("records hold other JSON", head(records.other_json), H1, "0 1 1 0", before=SERVED),
    Fault("records hold other types", head(records.other_types), H1, "0 1 1 0", before=SERVED),
    Fault("records are binary", head(records.binary), H1, "0 1 1 0", before=SERVED),
    Fault("records are cut off", head(records.cut_off), H1, "0 1 1 0", before=SERVED),
    Fault("records are empty", head(records.emptied), H1, "0 1 1 0", before=SERVED),
    Fault("records are folders", head(records.folders), H1, "0 1 1 0", before=SERVED),
    Fault(
        "records name a stranger's pid",
        head(records.pid_of_a_stranger),
        H1,
        "0 1 1 0",
        before=SERVED,
    ),
    Fault("logs are garbage", head(records.garbled_logs), H1, "0 0 0 0", before=SERVED),
    Fault("all that we keep is deleted", head(records.deleted), H1, "0 1 1 0", before=SERVED),
    Fault(
        "the lock names a dead owner",
        head(partial(records.stale_lock, text="root@gone[7] since 2020-01-01 00:00:00 UTC")),
        H1,
        "0 0 0 0",
    ),
    Fault(
        r"the lock is garbage",
        head(partial(records.stale_lock, text=r"\377\376\000[[")),
        H1,
        "0 0 0 0",
    ),
    Fault("somebody holds a garbled lock", head(records.held_lock), H1, "1 1 0 1", refused=True),
    Fault(
        "nodes.toml renames the worker",
        lambda lab: records.renamed(lab, "h2", "n2", TABLES),
        ("n2",),
        "1 1 1 0",
        before=SERVED,
        rows=("h1", "n2"),
    ),
    # -- programs of the host
    Fault("python3 is 3.8", worker(stubs.old_python), H2, "1 1 1 1", "3.8"),
    Fault("python3 is missing", worker(stubs.no_python), H2, "1 1 1 1", "python3"),
    Fault("python3 hangs", worker(stubs.hung_python), H2, "1 1 1 1"),
    Fault("python3 crashes", worker(stubs.broken_python), H2, "1 1 1 1"),
    Fault("shell and python3 print banners", head(stubs.banners), H1, "0 0 0 0"),
    Fault("~/.bashrc hangs", worker(stubs.hung_shell), H2, "1 1 1 1"),
    Fault("~/.bashrc leaves", worker(stubs.leaving_shell), H2, "1 1 1 1"),
    Fault("an answer without end", worker(stubs.endless_answer), H2, "1 1 1 1"),
    Fault("answers without end", head(stubs.endless_lines), H1, "1 1 1 1"),
    Fault("errors without end", worker(stubs.endless_errors), H2, "1 1 1 1"),
    Fault("the driver talks garbage", worker(stubs.garbage_driver), H2, "0 0 0 0"),
    Fault("the driver hangs", worker(stubs.hung_driver), H2, "0 0 0 0"),
    Fault("the driver fails", worker(stubs.failing_driver), H2, "0 0 0 0"),
    Fault("the clock is a day ahead", worker(stubs.fast_clock), H2, "1 0 0 0"),
    Fault("no more processes", worker(stubs.no_processes), H2, "1 1 1 1"),
    Fault("no more open files", worker(stubs.few_files), H2, "1 1 1 1"),
    # -- roads
    Fault("sshd is gone", worker(roads.no_sshd), H2, "1 1 1 1", "refused"),
    Fault("sshd is silent", worker(roads.silent_sshd), H2, "1 1 1 1", "does not speak SSH"),
    Fault("sshd allows one session", head(roads.one_session), H1, "1 1 0 1"),
    Fault("packets are dropped", worker(roads.dropped), H2, "1 1 1 1", "does not answer"),
    Fault("the connection ends midway", worker(roads.reset), H2, "1 1 1 1", "broke"),
    Fault(
        "the connection ends under a change",
        head(lambda host: roads.reset(host, "cluster.host.launch", "cluster.host.stop")),
        H1,
        "1 1 0 0",
        "broke",
    ),
    Fault("the management link goes midway", worker(roads.cut_midway), H2, "1 1 1 1"),
    Fault(
        "the fast link is cut",
        worker(lambda host: roads.cut(host, "fast")),
        H2,
        "1 0 0 0",
    ),
    Fault(
        "the management link is slow", worker(lambda host: roads.slow(host, "1mbit")), H2, "0 0 0 0"
    ),
    Fault("the host has another key", worker(roads.other_key), H2, "1 1 1 1", "WRONG HOST KEY"),
    Fault("there is no SSH key", roads.no_key, BOTH, "1 1 1 1", "wants a key"),
    # -- what runs, and what it needs
    Fault(
        "vLLM is stopped",
        head(service(services.stopped, "vllm-tiny")),
        H1,
        "0 1 1 0",
        "vllm-tiny",
        SERVED,
    ),
    Fault(
        "vLLM is killed", head(service(services.killed, "vllm-tiny")), H1, "0 0 1 0", before=SERVED
    ),
    Fault(
        "vLLM is unwatched",
        head(service(services.unwatched, "vllm-tiny")),
        H1,
        "0 0 1 0",
        before=SERVED,
    ),
    Fault(
        "Ray's head is killed",
        head(service(services.killed, "ray-head")),
        H1,
        "0 1 1 0",
        before=SERVED,
    ),
    Fault(
        "Ray's worker is killed",
        worker(service(services.killed, "ray-worker")),
        H2,
        "0 1 1 0",
        before=SERVED,
    ),
    Fault(
        "Ray's worker hangs",
        worker(service(services.stopped, "ray-worker")),
        H2,
        "0 0 0 0",
        before=SERVED,
    ),
    Fault(
        "ports are a stranger's",
        head(services.taken_ports),
        H1,
        "1 1 0 0",
        "taken by pid",
        ("nothing", "Ray", "Ray", "Ray"),
    ),
    Fault("weights are cut short", disks.cut_short, H1, "0 1 0 0", "truncated"),
    Fault(
        "the cache is an empty folder",
        lambda lab: disks.empty_cache(lab.hosts[1], lab),
        H2,
        "0 1 0 0",
    ),
    Fault("the cache hangs", lambda lab: disks.hung_cache(lab.hosts[1], lab), H2, "0 1 0 0"),
)
