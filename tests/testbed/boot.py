"""Become PID 1 of one host: namespaces of its own, a root of its own, sshd.

A program of its own, because a process that has threads must not fork and change its namespaces.
Does not know networks: whoever starts it plugs the cables in, by the pid that it writes down.
"""

import os
import socket
import stat
import sys
from pathlib import Path

from tests.testbed import cgroups, init, kernel

PROJECT = Path(__file__).resolve().parents[2]
OWN_NAMESPACES = (
    kernel.NEW_CGROUP | kernel.NEW_HOSTNAME | kernel.NEW_IPC | kernel.NEW_PIDS | kernel.NEW_NETWORK
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "fuse")
DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
}
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}
# The shell's `wait` reaps orphans. The loop lets a host outlive a `kill -9 -1` inside it.
INIT_SCRIPT = "/usr/sbin/sshd; while :; do sleep infinity & wait; done"


def mount_tmpfs(target: Path, mode: str) -> None:
    """Mount an empty tmpfs with the given octal mode."""
    target.mkdir(exist_ok=True)
    kernel.mount("tmpfs", target, "tmpfs", options=f"mode={mode}")


def build_devices(dev: Path) -> None:
    """Fill /dev: the harmless devices, terminals and shared memory of the host's own."""
    mount_tmpfs(dev, "755")
    for name in DEVICES:
        original = Path("/dev", name)
        if original.exists():
            info = original.stat()
            os.mknod(dev / name, stat.S_IFCHR | 0o666, info.st_rdev)
            (dev / name).chmod(0o666)
    for name, target in DEVICE_LINKS.items():
        (dev / name).symlink_to(target)
    mount_tmpfs(dev / "shm", "1777")
    (dev / "pts").mkdir()
    options = "newinstance,ptmxmode=0666,mode=620"
    kernel.mount("devpts", dev / "pts", "devpts", options=options)


def build_cgroups(target: Path) -> None:
    """Mount the cgroup hierarchies: in a cgroup namespace they show the host's own subtree."""
    controllers = cgroups.controllers()
    if not controllers:
        return
    mount_tmpfs(target, "755")
    for controller in controllers:
        (target / controller).mkdir()
        options = "none,name=systemd" if controller == "systemd" else controller
        kernel.mount("cgroup", target / controller, "cgroup", options=options)


def build_root(home: Path, share: Path) -> Path:
    """Mount everything that the host shall see below `home`/root."""
    root = home / "root"
    kernel.mount("none", "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    layers = f"lowerdir=/,upperdir={home}/disk,workdir={home}/work"
    kernel.mount("overlay", root, "overlay", options=layers)
    kernel.mount("proc", root / "proc", "proc")
    kernel.mount("sysfs", root / "sys", "sysfs")
    mount_tmpfs(root / "tmp", "1777")
    mount_tmpfs(root / "run", "755")
    (root / "run/sshd").mkdir()
    build_devices(root / "dev")
    build_cgroups(root / "sys/fs/cgroup")
    # One path means the same folder on the hosts and on the control station.
    show(share, root)
    for file in (PROJECT / "pyproject.toml", Path(sys.executable).resolve()):
        if not (root / file.relative_to("/")).exists():  # below /tmp, or another file system
            show(PROJECT if file.is_relative_to(PROJECT) else Path(sys.base_prefix), root)
    return root


def show(folder: Path, root: Path) -> None:
    """Let a folder of this machine appear at its own path on the host."""
    target = root / folder.relative_to("/")
    target.mkdir(parents=True, exist_ok=True)
    kernel.mount(folder, target, None, kernel.BIND)


def main() -> None:
    """Fork the host's PID 1, write its pid down, and leave."""
    home, share, testbed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    cgroups.join(testbed, home.name)
    kernel.unshare(OWN_NAMESPACES)
    if pid := os.fork():
        init.remember(home / init.RECORD, pid)
        return
    # Not together with the others: were it shared, the new root would become the parent's as well.
    kernel.unshare(kernel.NEW_MOUNTS)
    os.setsid()
    kernel.change_root(build_root(home, share))
    socket.sethostname(home.name)
    os.execve("/bin/sh", ["init", "-c", INIT_SCRIPT], ENVIRONMENT)


if __name__ == "__main__":
    main()
