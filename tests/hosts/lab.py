"""The command line as a person at the control station uses it, on hosts that a test may break."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts.stand_in import make_model, make_venv
from tests.testbed.host import Host
from tests.testbed.inventory import VENV, inventory
from tests.testbed.programs import Completed, poll
from tests.testbed.testbed import Testbed

ORCHESTRATE = str(VENV / "bin/orchestrate")
LIMIT_S = 60.0  # for one command: far above what any needs, so that a hang is a failure
GCS_PORT, API_PORT = 6379, 8200
ALONE = {"h1": {"gpus": 0}, "h2": {"gpus": 0}}  # vLLM on h1, without Ray
OWN_CACHE = "/root/cache"  # on each host's own disk
HUNG_CACHE = "/mnt/cache"
QUICK = """\
[ssh]
user = "root"
connect_timeout_s = 1.5

[ray]
start_timeout_s = 8
"""


@dataclass(frozen=True)
class Lab:
    """Hosts, a stand-in environment and a model on their common share, and one inventory."""

    testbed: Testbed
    env: dict[str, str] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[Host, ...]:
        return self.testbed.hosts

    @property
    def share(self) -> Path:
        return self.testbed.share

    @property
    def venv(self) -> Path:
        return self.share / "venv"

    @property
    def model(self) -> Path:
        """Where the recipe `tiny` looks."""
        return self.share / "cache/orchestrate/tiny"

    def furnish(self) -> "Lab":
        """Make the environment and the model, and the inventory that all commands use."""
        make_venv(self.venv)
        make_model(self.model)
        self.use()
        return self

    def use(
        self,
        *,
        cluster: Mapping[str, str] = {},
        tables: str = QUICK,
        nodes: Mapping[str, Mapping[str, str | int]] = {},
    ) -> None:
        """Write the inventory for the commands that follow, in place of the one of before."""
        shared = {"venv": str(self.venv), "cache": str(self.share / "cache"), **cluster}
        text = inventory(self.testbed, cluster=shared, tables=tables, nodes=nodes)
        path = self.testbed.state / "nodes.toml"
        path.write_text(text)
        self.env.clear()
        self.env["ORCHESTRATE_NODES"] = str(path)

    def run(self, *words: str, env: Mapping[str, str] = {}) -> Completed:
        """Run orchestrate to its end."""
        return self.testbed.control(
            [ORCHESTRATE, *words], env={**self.env, **env}, timeout_s=LIMIT_S
        )

    def ok(self, *words: str, env: Mapping[str, str] = {}) -> str:
        """Run orchestrate, which shall succeed; its standard output."""
        done = self.run(*words, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *words: str, code: int = 1, env: Mapping[str, str] = {}) -> str:
        """Run orchestrate, which shall fail with a message of its own; its standard error."""
        done = self.run(*words, env=env)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert not done.stderr.startswith("Traceback"), done.stderr
        assert "\nTraceback" not in done.stderr, done.stderr
        assert "bug in orchestrate" not in done.stderr, done.stderr
        return done.stderr

    def started(self, *words: str) -> subprocess.Popen[str]:
        """Start orchestrate and leave it running."""
        return self.testbed.control_popen([ORCHESTRATE, *words], env=self.env)

    def marked(self) -> dict[str, list[str]]:
        """Give the command lines of what runs on each host that is on and carries a mark."""
        return {h.name: list(h.marked("").values()) for h in self.hosts if h.pid and h.marked("")}

    def nothing_left(self) -> None:
        """Fail if anything that orchestrate started still runs."""
        assert self.marked() == {}

    def lock_is_free(self) -> bool:
        """Tell whether nobody holds the cluster's lock."""
        command = "! [ -e ~/.orchestrate/lab/lock ] || flock -n ~/.orchestrate/lab/lock true"
        return self.hosts[0].run(command, check=False).returncode == 0

    def station(self, name: str) -> dict[str, str]:
        """Make another home with the same key and known hosts; the environment that selects it."""
        home = self.testbed.state / name
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.testbed.control_home / ".ssh", home / ".ssh")
        return {"HOME": str(home)}

    def reset(self) -> None:
        """Undo what a test, whether passed or failed, left of orchestrate on the hosts."""
        for host in self.hosts:
            if not host.pid:
                host.power_on()
            clear(host)
        shutil.rmtree(self.model)
        make_model(self.model)
        self.use()


def clear(host: Host) -> None:
    """End what carries a mark and remove what orchestrate writes on a host."""

    def ended() -> bool:
        pids = [str(pid) for pid in host.marked("")]
        if pids:
            host.run(["kill", "-9", *pids], check=False)
        return not pids

    poll(ended, f"{host.name} is clear")
    host.run("rm -rf ~/.orchestrate ~/.cache/orchestrate /tmp/ray-*")


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read the progress of a running command up to a line with the text; all that was read."""
    assert process.stderr
    seen = ""
    for line in process.stderr:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"it ended without {text!r}:\n{seen}")


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a command's end; exit code and the rest of its standard error."""
    _, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, err
