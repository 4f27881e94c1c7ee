"""A host's PID 1 as this machine sees it: remember it, find it again, end it, look at its children.

Does not know how a host is made. A pid is remembered with its start time, so that a stale file can
never point at somebody else's process.
"""

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

RECORD = "init"  # in the folder of its host
DEATH_TIMEOUT_MS = 10_000


def _start_time(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold spaces. Of the fields behind it the first is the state.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def remember(record: Path, pid: int) -> None:
    """Write down which process it is."""
    record.write_text(f"{pid} {_start_time(pid)}")


def find(record: Path) -> int | None:
    """Give the pid, as this machine counts, if the remembered process still runs."""
    try:
        pid, started = record.read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _start_time(int(pid)) == started else None


def kill(record: Path) -> None:
    """Kill PID 1 and wait: the kernel kills all other processes of the host before it is gone."""
    pid = find(record)
    if pid is None:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if find(record) != pid:
            return
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        if not poller.poll(DEATH_TIMEOUT_MS):
            raise TimeoutError(f"PID 1 of {record.parent.name} (here {pid}) survived SIGKILL")
    finally:
        os.close(descriptor)


def _processes(pid: int) -> Iterator[Path]:
    # The host's own /proc: the numbers are the host's, and no program has to run there to look.
    for entry in Path(f"/proc/{pid}/root/proc").iterdir():
        if entry.name.isdigit():
            yield entry


def _strings(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").rstrip("\0").split("\0")
    except OSError:  # it ended meanwhile
        return [""]


def command_lines(pid: int) -> dict[int, str]:
    """Map the host's processes to their command lines; zombies have none and are left out."""
    found = {int(entry.name): " ".join(_strings(entry / "cmdline")) for entry in _processes(pid)}
    return {number: line for number, line in sorted(found.items()) if line}


def marked(pid: int, variable: str, prefix: str) -> dict[int, str]:
    """Keep of `command_lines` those whose environment has the variable, beginning with prefix."""
    start = f"{variable}={prefix}"
    return {
        number: line
        for number, line in command_lines(pid).items()
        if any(
            text.startswith(start)
            for text in _strings(Path(f"/proc/{pid}/root/proc/{number}/environ"))
        )
    }
