"""One control group for each host, in every version 1 hierarchy that this machine has mounted.

Does not know hosts beyond their names. Where no hierarchy is mounted nothing is made and only
`limit_memory` fails.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NO_LIMIT = -1


class NoMemoryControl(RuntimeError):
    """This machine has no version 1 memory cgroup: the memory of a host cannot be limited."""


def controllers() -> list[str]:
    """Name the version 1 hierarchies that are mounted at /sys/fs/cgroup."""
    if not ROOT.is_dir():
        return []
    # Version 2 directories have no `tasks` file.
    return sorted(folder.name for folder in ROOT.iterdir() if (folder / "tasks").exists())


def prepare(testbed: str) -> None:
    """Make the groups that the hosts' groups lie in; once, before any host joins."""
    for controller in controllers():
        parent = ROOT / controller / testbed
        parent.mkdir(exist_ok=True)
        if controller == "cpuset":
            _inherit_cpus(parent)


def join(testbed: str, host: str) -> None:
    """Move the calling process into the host's groups, making them where they are missing."""
    for controller in controllers():
        group = ROOT / controller / testbed / host
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text(str(os.getpid()))


def _inherit_cpus(parent: Path) -> None:
    # A fresh cpuset has no CPU at all, and no process can join it.
    (parent / "cgroup.clone_children").write_text("1")
    for setting in ("cpuset.cpus", "cpuset.mems"):
        (parent / setting).write_text((parent.parent / setting).read_text())


def limit_memory(testbed: str, host: str, limit_bytes: int) -> None:
    """Bound the memory of everything that runs in the host; NO_LIMIT lifts the bound."""
    setting = ROOT / "memory" / testbed / host / "memory.limit_in_bytes"
    if not setting.exists():
        raise NoMemoryControl(f"no {setting}: limit_memory needs the cgroup v1 memory controller")
    setting.write_text(str(limit_bytes))


def remaining(testbed: str) -> list[Path]:
    """List the groups of a testbed, inner ones first."""
    tops = [ROOT / controller / testbed for controller in controllers()]
    groups = [Path(path) for top in tops for path, _, _ in os.walk(top)]
    return sorted(groups, key=lambda group: len(group.parts), reverse=True)


def end_members(testbed: str) -> None:
    """Kill what still runs in a testbed's groups; nobody but its hosts ever joins them."""
    for group in remaining(testbed):
        for pid in (group / "cgroup.procs").read_text().split():
            # 0 stands for a process that this pid namespace cannot see; kill(0) would be us.
            with suppress(ProcessLookupError):
                if int(pid):
                    os.kill(int(pid), signal.SIGKILL)


def remove(testbed: str) -> bool:
    """Remove the groups of a testbed; False while the kernel still holds one of them."""
    for group in remaining(testbed):
        try:
            group.rmdir()
        except OSError:
            return False
    return True
