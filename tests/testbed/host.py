"""One host of a testbed: run things on it, and break it in every way that a real host breaks.

Does not know how many hosts there are. Holds no state but what lies in the testbed's folder, so a
Host made by another process is as good.
"""

import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from tests.testbed import cgroups, disk, init
from tests.testbed.network import NETWORKS, NetworkName, Switch, carries
from tests.testbed.programs import PATH, Completed, poll, run

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parents[1]
BOOT_TIMEOUT_S = 20
GREETING_TIMEOUT_S = 0.2
SSH_PORT = 22
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "USER": "root", "LANG": "C.UTF-8"}
SERVICE_MARK = "ORCHESTRATE_SERVICE"


class Host:
    """A network, mount, process and host name space with an sshd, and a disk of its own."""

    def __init__(self, state: Path, switch: Switch, number: int) -> None:
        self.number = number
        self.name = f"h{number}"
        self.management = NETWORKS["management"].address(number)
        self.fast = NETWORKS["fast"].address(number)
        self.fast_interface = NETWORKS["fast"].interface
        self.folder = state / self.name
        self.disk = self.folder / "disk"
        self._state = state
        self._switch = switch
        self._console = self.folder / "console"
        self._record = self.folder / init.RECORD

    def __repr__(self) -> str:
        return f"Host({self.name})"

    # -- running programs

    @property
    def pid(self) -> int | None:
        """The host's PID 1 as this machine counts; None while the power is off."""
        return init.find(self._record)

    def words(self, command: Sequence[str] | str) -> list[str]:
        """Give the words that run a command, or a line of shell, on the host from outside."""
        pid = self._running()
        inner = ["sh", "-c", command] if isinstance(command, str) else list(command)
        # nsenter forks; without setpriv the command would survive the end of the nsenter.
        return ["nsenter", "-t", str(pid), "-a", "--", "setpriv", "--pdeathsig", "KILL", *inner]

    def run(
        self,
        command: Sequence[str] | str,
        *,
        timeout_s: float = 30,
        check: bool = True,
        input: str | None = None,
    ) -> Completed:
        """Run a command on the host, not by SSH; the host's memory limit does not bind it."""
        return run(
            self.words(command), timeout_s=timeout_s, check=check, input=input, env=ENVIRONMENT
        )

    def popen(
        self, command: Sequence[str] | str, *, stdout: int | IO[str] = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start a command on the host, its stderr mixed into stdout; killing it kills both."""
        return subprocess.Popen(
            self.words(command),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )

    def processes(self) -> dict[int, str]:
        """Map every pid of the host, as the host counts, to its command line."""
        return init.command_lines(self._running())

    def marked(self, prefix: str = "") -> dict[int, str]:
        """Keep of `processes` those that carry ORCHESTRATE_SERVICE=<prefix>..."""
        return init.marked(self._running(), SERVICE_MARK, prefix)

    # -- power

    def power_on(self) -> None:
        """Boot with the disk, key and addresses of before; return when sshd answers on both."""
        if self.pid:
            raise RuntimeError(f"{self.name} is on already")
        words = [sys.executable, "-S", "-E", "-m", "tests.testbed.boot"]
        words += [str(self.folder), str(self._state / "share"), self._state.name]
        with self._console.open("ab") as console:
            subprocess.run(words, cwd=REPOSITORY, check=False, stdout=console, stderr=console)
        self._switch.plug(self.name, self.number, self._booting())
        poll(self._booted, f"{self.name} answers SSH", BOOT_TIMEOUT_S)

    def kill_init(self) -> None:
        """Crash the host: the kernel closes its connections and peers see that at once."""
        init.kill(self._record)

    def power_off(self) -> None:
        """Take the power away: peers see nothing at all."""
        self._switch.unplug(self.name)
        init.kill(self._record)

    # -- networks

    def cut(self, network: NetworkName) -> None:
        """Switch the host's port off."""
        self._switch.set_port(self.name, network, "down")

    def join(self, network: NetworkName) -> None:
        """Undo `cut`."""
        self._switch.set_port(self.name, network, "up")

    def shape(self, network: NetworkName, rate: str) -> None:
        """Bound the rate in both directions; the rate is tc's: 10mbit."""
        self.run(self._switch.shape(self.name, network, rate))

    def unshape(self, network: NetworkName) -> None:
        """Undo `shape`."""
        self.run(self._switch.unshape(self.name, network), check=False)

    def refuse_port(self, port: int) -> None:
        """Answer every TCP packet from other hosts to this port with a reset."""
        self._close_port(port, "reject with tcp reset")

    def drop_port(self, port: int) -> None:
        """Swallow every TCP packet from other hosts to this port."""
        self._close_port(port, "drop")

    def allow_port(self, port: int) -> None:
        """Undo `refuse_port` and `drop_port`."""
        self._close_port(port, None)

    # -- sshd

    def stop_sshd(self) -> None:
        """End the listener; open sessions stay."""
        self.run("kill $(cat /run/sshd.pid)")
        poll(lambda: not self._listens(), f"sshd of {self.name} ends")

    def start_sshd(self) -> None:
        """Undo `stop_sshd`."""
        self.run(["/usr/sbin/sshd"])
        poll(self._listens, f"sshd of {self.name} listens")

    def pause_sshd(self) -> None:
        """Stop the listener's clock: TCP still connects, and then nobody speaks."""
        self.run("kill -STOP $(cat /run/sshd.pid)")

    def resume_sshd(self) -> None:
        """Undo `pause_sshd`."""
        self.run("kill -CONT $(cat /run/sshd.pid)")

    def new_host_key(self) -> None:
        """Give the host another key than the one that everybody knows."""
        self.stop_sshd()
        key = f"/{disk.HOST_KEY}"
        self.run(f"rm {key}* && {shlex.join(disk.keygen_words(key, 'another'))}")
        self.start_sshd()

    # -- files and memory

    def hide(self, path: str) -> None:
        """Mount an empty read-only file system over a folder."""
        self._mount_tmpfs(path, "ro,mode=755")

    def small_tmpfs(self, path: str, size: str) -> None:
        """Mount a file system that is soon full; the size is tmpfs's: 64k."""
        self._mount_tmpfs(path, f"size={size}")

    def hang_mount(self, path: str) -> None:
        """Mount a file system on which every call blocks for ever, as a dead NFS server's."""
        self.run(["mkdir", "-p", path])
        program = (PACKAGE / "hung_mount.py").read_text()
        self.run([sys.executable, "-S", "-E", "-", path], input=program)

    def free_mount(self, path: str) -> None:
        """Undo `hide`, `small_tmpfs` or `hang_mount`; what hung gets an error at once."""
        # Force aborts a FUSE connection. Without -c umount would look at the path, and hang.
        self.run(["umount", "-c", "-f", "-l", path])

    def limit_memory(self, limit_bytes: int | None) -> None:
        """Bound the memory of all that PID 1 and sshd start; None lifts the bound."""
        limit = cgroups.NO_LIMIT if limit_bytes is None else limit_bytes
        cgroups.limit_memory(self._state.name, self.name, limit)

    # -- how it is done

    def answers(self, network: NetworkName = "management", timeout_s: float = 1) -> bool:
        """Tell whether sshd greets a caller from the control station."""
        address = (NETWORKS[network].address(self.number), SSH_PORT)
        try:
            with (
                self._switch.inside(),
                socket.create_connection(address, timeout_s) as connection,
            ):
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _booting(self) -> int:
        if pid := self.pid:
            return pid
        text = self._console.read_text(errors="replace")
        raise RuntimeError(f"{self.name} did not boot; its console says:\n{text}")

    def _booted(self) -> bool:
        if not carries(self._booting()):
            return False
        return all(self.answers(network, GREETING_TIMEOUT_S) for network in NETWORKS)

    def _listens(self) -> bool:
        command = ["ss", "-Hltn", f"sport = :{SSH_PORT}"]
        return bool(self.run(command).stdout)

    def _running(self) -> int:
        pid = self.pid
        if pid is None:
            raise RuntimeError(f"{self.name} is powered off")
        return pid

    def _mount_tmpfs(self, path: str, options: str) -> None:
        self.run(["mkdir", "-p", path])
        self.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path])

    def _close_port(
        self, port: int, verdict: Literal["drop", "reject with tcp reset"] | None
    ) -> None:
        # One table for each port: adding, then deleting, works whether or not it was there.
        table = f"table inet closed_{port}"
        script = f"add {table}\ndelete {table}\n"
        if verdict:
            rules = f"type filter hook input priority 0\niif != lo tcp dport {port} {verdict}\n"
            script += f"{table} {{ chain input {{ {rules}}}\n}}\n"
        self.run(["nft", "-f", "-"], input=script)
