"""What a test sees of a host from the control station, and of the processes that run on it.

Does not break anything: that is the host's own part.
"""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.testbed.host import Host
from tests.testbed.programs import poll
from tests.testbed.testbed import Testbed

SILENCE_S = 0.5


def ssh(testbed: Testbed, host: Host, command: str) -> str:
    """Run a command by the real ssh and give its output."""
    return testbed.control(testbed.ssh_words(host, command), check=True, timeout_s=20).stdout


def connect(testbed: Testbed, host: Host, port: int = 22) -> socket.socket:
    """Open a TCP connection from the control station."""
    with testbed.inside():
        return socket.create_connection((host.management, port), SILENCE_S)


@contextmanager
def greeted(testbed: Testbed, host: Host) -> Iterator[socket.socket]:
    """Hold a connection on which sshd has spoken and waits for the client."""
    with closing(connect(testbed, host)) as connection:
        assert connection.recv(100).startswith(b"SSH-2.0")
        yield connection


def silent(connection: socket.socket) -> bool:
    """Tell whether the peer neither speaks nor hangs up."""
    connection.settimeout(SILENCE_S)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    return False


@contextmanager
def started(host: Host, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command and kill it at the end, not waiting for one that cannot die."""
    process = host.popen(words)
    try:
        yield process
    finally:
        process.kill()
        assert process.stdout
        process.stdout.close()
        process.wait()


def pid_of(host: Host, line: str) -> int | None:
    """Find the process whose command line ends so."""
    return next((pid for pid, text in host.processes().items() if text.endswith(line)), None)


def state_of(host: Host, line: str) -> str:
    """Give the kernel's letter for the one process whose command line ends so: D is stuck."""
    pid = pid_of(host, line)
    if pid is None:
        return "gone"
    fields = Path(f"/proc/{host.pid}/root/proc/{pid}/stat").read_text().rpartition(")")[2]
    return fields.split()[0]


def wait_for_state(host: Host, line: str, state: str) -> None:
    """Wait until `state_of` is that letter, or "gone"."""
    poll(lambda: state_of(host, line) == state, f"{line} becomes {state}")


def waits_in(host: Host, line: str, function: str) -> bool:
    """Tell whether the process sleeps in that function of the kernel."""
    pid = pid_of(host, line)
    file = Path(f"/proc/{host.pid}/root/proc/{pid}/wchan")
    return pid is not None and file.read_text() == function


def wait_until_hung(host: Host, path: str) -> None:
    """Wait until `stat` has asked, and the daemon has taken the question."""
    poll(lambda: waits_in(host, f"stat {path}", "request_wait_answer"), "stat has asked")
    poll(lambda: waits_in(host, f"- {path}", "fuse_dev_do_read"), "the question was taken")
