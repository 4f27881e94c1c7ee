"""What goes wrong between the station and a host, and between hosts."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hosts.faults.stubs import REAL, python3
from tests.hosts.lab import Lab
from tests.testbed.host import SSH_PORT, Host
from tests.testbed.network import NetworkName
from tests.testbed.programs import poll

HOST_KEYS = "/etc/ssh/ssh_host_ed25519_key"
POLL_S = 0.01
PROGRAM = "orchestrate-"  # how the command line of what we send to a host ends


@contextmanager
def no_sshd(host: Host) -> Iterator[None]:
    host.stop_sshd()
    try:
        yield
    finally:
        host.start_sshd()


@contextmanager
def silent_sshd(host: Host) -> Iterator[None]:
    host.pause_sshd()
    try:
        yield
    finally:
        host.resume_sshd()


@contextmanager
def one_session(host: Host) -> Iterator[None]:
    """sshd allows one program at a time on each connection."""
    with sshd_setting(host, "MaxSessions 1"):
        yield


@contextmanager
def sshd_setting(host: Host, line: str) -> Iterator[None]:
    path = "/etc/ssh/sshd_config"
    host.run(f"cp {path} {path}.kept && (echo '{line}'; cat {path}.kept) > {path}")
    restart(host)
    try:
        yield
    finally:
        host.run(f"mv {path}.kept {path}")
        restart(host)


def restart(host: Host) -> None:
    host.stop_sshd()
    host.start_sshd()


@contextmanager
def dropped(host: Host) -> Iterator[None]:
    """A firewall that answers nothing on any port of SSH."""
    host.drop_port(SSH_PORT)
    try:
        yield
    finally:
        host.allow_port(SSH_PORT)


@contextmanager
def cut(host: Host, network: NetworkName) -> Iterator[None]:
    host.cut(network)
    try:
        yield
    finally:
        host.join(network)
        poll(lambda: host.answers(network), f"{host.name} is back")


@contextmanager
def slow(host: Host, rate: str) -> Iterator[None]:
    host.shape("management", rate)
    try:
        yield
    finally:
        host.unshape("management")


@contextmanager
def other_key(host: Host) -> Iterator[None]:
    """The host shows a key that nobody knows."""
    host.run(f"mkdir /run/keys && cp -a {HOST_KEYS}* /run/keys")
    host.new_host_key()
    try:
        yield
    finally:
        host.run("cp -a /run/keys/* /etc/ssh && rm -r /run/keys")
        restart(host)


@contextmanager
def no_key(lab: Lab) -> Iterator[None]:
    """The person at the station has no SSH key."""
    folder = lab.testbed.control_home / ".ssh"
    kept = Path(shutil.move(folder / "id_ed25519", lab.testbed.state / "kept-key"))
    try:
        yield
    finally:
        shutil.move(kept, folder / "id_ed25519")


@contextmanager
def reset(host: Host, *programs: str) -> Iterator[None]:
    """The connection ends under one of these programs; later ones are as good as before."""

    def strike() -> None:
        end_sessions(host)

    with struck(host, strike, programs):
        yield


@contextmanager
def cut_midway(host: Host, *programs: str) -> Iterator[None]:
    """The management link goes while one of these programs runs, and stays away."""
    try:
        with struck(host, lambda: host.cut("management"), programs):
            yield
    finally:
        host.join("management")
        poll(host.answers, f"{host.name} is back")


@contextmanager
def struck(host: Host, strike: Callable[[], None], programs: tuple[str, ...]) -> Iterator[None]:
    """Strike while a program of ours runs there: it stands still until then."""
    chosen = "|".join(f"*{PROGRAM}{name}" for name in programs) or f"*{PROGRAM}*"
    waits = f'[ -e /run/struck ] || case "$*" in {chosen}) exec sleep 36000;; esac'
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if any(line == "sleep 36000" for line in host.processes().values()):
                host.run("touch /run/struck")
                strike()
                return

    watcher = threading.Thread(target=watch)
    with python3(host, f'{waits}; exec {REAL} "$@"'):
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            host.run("rm -f /run/struck")
            end_waiting(host)


def end_waiting(host: Host) -> None:
    """A program whose connection is gone would sleep on."""
    pids = [str(pid) for pid, line in host.processes().items() if line == "sleep 36000"]
    host.run(["kill", "-9", *pids], check=bool(pids))


def end_sessions(host: Host) -> None:
    """Kill sshd's processes for each login, and not the listener."""
    lines = host.processes().items()
    pids = [str(pid) for pid, line in lines if line.startswith(("sshd: root", "sshd-session: "))]
    host.run(["kill", "-9", *pids], check=bool(pids))
