"""Start a service in a session of its own, watch over it, record how it ended.

Input: {"mark", "words", "env", "files": {name: text}, "about", "run": which run of the controller}.
Output: {"pid"} of the supervisor, or {"already"} when the service runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cluster.host import services

LOG_LIMIT_BYTES = 64 << 20  # two files of it: enough for weeks of vLLM, small on any disk
LOG_CHECK_S = 10
LEFTOVER_GRACE_S = 5
PR_SET_CHILD_SUBREAPER = 36
SIGNALS = (signal.SIGCHLD, signal.SIGTERM)


def main(request: dict[str, Any]) -> None:
    folder = services.service_folder(request["mark"])
    services.private_folder(folder)
    turn_file = os.open(str(folder / "launching"), os.O_CREAT | os.O_WRONLY, 0o600)
    with open(turn_file, "w") as turn:  # one after another, also of two killed runs
        fcntl.lockf(turn, fcntl.LOCK_EX)  # unlike flock, not inherited by the supervisor
        running = services.supervisor_of(folder)
        if running:
            print(json.dumps({"already": running[0]}))
        else:
            launch(request, folder)


def launch(request: dict[str, Any], folder: Path) -> None:
    for name, content in request.get("files", {}).items():
        services.write_private(folder / name, content)
    services.write_json(folder / "spec.json", dict(request, started=time.time()))
    services.drop(folder / "exit.json")
    if (folder / "log").exists():
        os.replace(folder / "log", folder / "log.1")
    reader, writer = os.pipe()
    if os.fork() == 0:
        become_supervisor(request, folder, writer)
    os.close(writer)
    with os.fdopen(reader) as answer:
        print(answer.read(), flush=True)


def become_supervisor(request: dict[str, Any], folder: Path, writer: int) -> None:
    os.setsid()
    if os.fork():
        os._exit(0)
    code, reason = None, "the supervisor failed"
    try:
        os.chdir(Path.home())
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        identity = [os.getpid(), services.start_ticks(os.getpid())]
        services.write_json(folder / "pid", {"supervisor": identity, "child": None})
        os.write(writer, json.dumps({"pid": identity[0]}).encode())
        os.close(writer)
        log = os.open(str(folder / "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(source, target)
        code, reason = supervise(request, folder, identity)
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        print(f"orchestrate: {reason}", file=sys.stderr, flush=True)
    finally:
        record_end(folder, code, reason)
        os._exit(0)


def record_end(folder: Path, code: int | None, reason: str) -> None:
    """On a full or read-only disk the service is over all the same."""
    with contextlib.suppress(OSError):
        services.write_json(
            folder / "exit.json", {"code": code, "reason": reason, "at": time.time()}
        )


def supervise(
    request: dict[str, Any], folder: Path, identity: list[int | None]
) -> tuple[int | None, str]:
    """Run the service to its end; (exit code, what to say of it)."""
    try:
        child = subprocess.Popen(
            request["words"],
            env={**os.environ, **request["env"], **signs(request["mark"])},
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS),
        )
    except OSError as error:
        return None, f"cannot run {request['words'][0]}: {error.strerror}"
    with contextlib.suppress(OSError):  # the disk became full: the service is whole without it
        services.write_json(
            folder / "pid",
            {"supervisor": identity, "child": [child.pid, services.start_ticks(child.pid)]},
        )
    code = watch(child.pid, folder / "log")
    reason = f"killed by signal {-code}" if code < 0 else f"exited with code {code}"
    record_end(folder, code, reason)
    end_leftovers()
    return code, reason


def signs(mark: str) -> dict[str, str]:
    """What makes a process ours, wherever it is found."""
    cluster = services.make_cluster_id(mark.partition("/")[0])
    return {services.MARK: mark, **({services.CLUSTER_ID: cluster} if cluster else {})}


def watch(pid: int, log: Path) -> int:
    """Reap until `pid` has ended; pass TERM on; keep the log bounded. The exit code, as Popen's."""
    while True:
        told = signal.sigtimedwait(SIGNALS, LOG_CHECK_S)
        if told and told.si_signo == signal.SIGTERM:
            os.kill(pid, signal.SIGTERM)
        for ended, status in reaped():
            if ended == pid:
                return os.waitstatus_to_exitcode(status)
        keep_bounded(log)


def keep_bounded(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Move what is in a long log to log.1; the service goes on writing into the same file."""
    with contextlib.suppress(OSError):  # a disk that is full, or went: no reason to let go
        if log.stat().st_size > limit_bytes:
            with contextlib.suppress(OSError):
                keep_copy(log)
            os.truncate(log, 0)


def keep_copy(log: Path) -> None:
    with log.open("rb") as source, services.open_private(log.with_name("log.1")) as target:
        shutil.copyfileobj(source, target)


def reaped() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def end_leftovers() -> None:
    """A service whose main process ended is over: what it left gets TERM, then KILL."""
    deadline, first = time.monotonic() + LEFTOVER_GRACE_S, True
    while True:
        reaped()
        left = services.descendants(os.getpid())
        if not left:
            return
        late = time.monotonic() > deadline
        for pid in left if first or late else ():
            services.send(pid, signal.SIGKILL if late else signal.SIGTERM)
        first = False
        signal.sigtimedwait(SIGNALS, 0.1)
