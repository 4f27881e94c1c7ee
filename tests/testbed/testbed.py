"""A testbed: hosts, the two networks between them, and a control station that can reach them.

Does not know what is tested. Everything it makes is found again by the name of its state folder, so
a run that was killed is cleaned up by the next one.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.testbed import cgroups, disk, init, programs
from tests.testbed.host import Host
from tests.testbed.network import Switch
from tests.testbed.programs import Completed, poll

LARGEST_COUNT = 200
STATE_PREFIX = "orchestrate-testbed"
AT_ONCE = 8  # more than this only makes the kernel's network lock longer to wait for


def default_state() -> Path:
    """Give /tmp/orchestrate-testbed; ORCHESTRATE_TESTBED=x makes it another one, ending in -x."""
    name = os.environ.get("ORCHESTRATE_TESTBED")
    return Path("/tmp", f"{STATE_PREFIX}-{name}" if name else STATE_PREFIX)


def obey_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Testbed:
    """Hosts h1 to hN; `up` makes one, `attach` finds the one that another process made."""

    __test__ = False  # not a test class, whatever its name makes pytest think

    def __init__(self, state: Path, count: int) -> None:
        suffix = state.name.removeprefix(STATE_PREFIX).strip("-")
        self.state = state
        self.share = state / "share"
        self.control_home = state / "control"
        self._owner = state / "owner"
        self.switch = Switch(f"orchestrate-switch-{suffix}".strip("-"))
        self.hosts = tuple(Host(state, self.switch, number + 1) for number in range(count))

    @classmethod
    def attach(cls, state: Path | None = None) -> Self:
        """Find the testbed of a state folder; it has no hosts where there is none."""
        state = state or default_state()
        return cls(state, len(list(state.glob("h*/disk"))))

    @classmethod
    def up(cls, count: int, *, state: Path | None = None) -> Self:
        """Remove what is left of an earlier run, then make hosts and wait until SSH answers."""
        if not 1 <= count <= LARGEST_COUNT:
            raise ValueError(f"a testbed has 1 to {LARGEST_COUNT} hosts, not {count}")
        testbed = cls(state or default_state(), count)
        testbed._refuse_anothers()
        cls.attach(testbed.state).down()
        try:
            testbed._write_files()
            testbed.switch.create()
            cgroups.prepare(testbed.state.name)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(Host.power_on, testbed.hosts))
        except BaseException:
            testbed.down()
            raise
        return testbed

    def down(self) -> None:
        """End every process of the hosts and of the control station; leave nothing behind."""
        for host in self.hosts:
            host.kill_init()
        cgroups.end_members(self.state.name)  # a run killed while it booted left no record
        if self.switch.exists():
            self._end_control_programs()
            self.switch.remove()
        poll(lambda: cgroups.remove(self.state.name), f"cgroups of {self.state.name} go")
        poll(self._remove_state, f"{self.state} goes")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def control(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60,
        input: str | None = None,
        check: bool = False,
    ) -> Completed:
        """Run a program of this machine on the control station, with HOME=control_home."""
        return programs.run(
            self.switch.words(words),
            timeout_s=timeout_s,
            input=input,
            env=self._environment(env),
            check=check,
        )

    def control_popen(
        self, words: Sequence[str], *, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a program on the control station, all three streams piped."""
        return subprocess.Popen(
            self.switch.words(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(env),
            start_new_session=True,
            # a run in the background of a script ignores Ctrl-C, and so would all that it starts
            preexec_fn=obey_interrupt,
        )

    def inside(self) -> AbstractContextManager[None]:
        """Move the calling thread onto the control station's networks, and back at the end."""
        return self.switch.inside()

    def ssh_words(self, host: Host, command: str = "true") -> list[str]:
        """Give a strict `ssh` for the control station: the real ssh takes no notice of HOME."""
        folder = self.control_home / ".ssh"
        words = ["ssh", "-F", "none", "-i", str(folder / "id_ed25519")]
        for option in (
            f"UserKnownHostsFile={folder}/known_hosts",
            "GlobalKnownHostsFile=none",
            "StrictHostKeyChecking=yes",
            "BatchMode=yes",
            "IdentityAgent=none",
            "ConnectTimeout=2",
        ):
            words += ["-o", option]
        return [*words, f"root@{host.management}", command]

    def _environment(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        # The keys of the person at this machine must not open, or fail to open, a test's host.
        kept = {name: text for name, text in os.environ.items() if name != "SSH_AUTH_SOCK"}
        return kept | {"HOME": str(self.control_home)} | dict(extra or {})

    def _refuse_anothers(self) -> None:
        owner = init.find(self._owner)
        if owner not in (None, os.getpid()):
            raise RuntimeError(
                f"{self.state} is in use by process {owner}: for a testbed beside it set"
                " ORCHESTRATE_TESTBED to a name of your own"
            )

    def _write_files(self) -> None:
        self.share.mkdir(parents=True)
        init.remember(self._owner, os.getpid())
        identity = self.control_home / ".ssh/id_ed25519"
        disks = {host.name: host.disk for host in self.hosts}
        keys = {path / disk.HOST_KEY: name for name, path in disks.items()}
        disk.make_keys({identity: "testbed"} | keys)
        names = {h.name: (h.name, f"{h.name}-fast", h.management, h.fast) for h in self.hosts}
        known = disk.known_hosts(disks, names)
        table = "127.0.0.1 localhost\n" + "".join(
            f"{host.management} {host.name}\n{host.fast} {host.name}-fast\n" for host in self.hosts
        )
        disk.write_ssh_folder(identity.parent, identity, known)
        for host in self.hosts:
            disk.write_disk(host.disk, host.name, table)
            disk.write_ssh_folder(host.disk / "root/.ssh", identity, known)
            for name in ("root", "work"):
                (host.folder / name).mkdir()

    def _end_control_programs(self) -> None:
        pids = programs.run(["ip", "netns", "pids", self.switch.name]).stdout.split()
        for pid in {int(text) for text in pids} - {os.getpid()}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _remove_state(self) -> bool:
        # The kernel lets go of a dead host's overlay a moment after its last process.
        shutil.rmtree(self.state, ignore_errors=True)
        return not self.state.exists()
