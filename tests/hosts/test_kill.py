"""SIGKILL of the command line at every stage, and two command lines at once."""

import signal
import subprocess

import pytest

from tests.hosts.lab import GCS_PORT, Lab, end_of, wait_for
from tests.testbed.programs import poll

pytestmark = pytest.mark.hosts

ALONE = {"h1": {"gpus": 0}, "h2": {"gpus": 0}}  # vLLM on h1, without Ray
HOLD = "orchestrate-cluster.host.hold"


def holds(lab: Lab) -> bool:
    return any(line.endswith(HOLD) for line in lab.hosts[0].processes().values())


def kill(lab: Lab, process: subprocess.Popen[str]) -> None:
    """End a command without any chance to clear up; the lock goes with it."""
    process.send_signal(signal.SIGKILL)
    assert end_of(process)[0] == -signal.SIGKILL
    poll(lambda: lab.lock_is_free() and not holds(lab), "the lock is free")


@pytest.mark.parametrize("moment", ["lock", "start Ray: ", "h1 has joined Ray"])
def test_a_killed_start(lab: Lab, moment: str) -> None:
    """Killed when it has the lock, when it launches, and when it waits for a worker."""
    head = lab.hosts[0]
    head.drop_port(GCS_PORT)
    process = lab.started("cluster", "start", "--force", "firewall")
    if moment == "lock":
        poll(lambda: holds(lab), "it has the lock")
    else:
        wait_for(process, moment)
    kill(lab, process)
    head.allow_port(GCS_PORT)
    lab.ok("cluster", "start")
    lab.ok("status")
    assert sorted(len(lines) for lines in lab.marked().values()) == [2, 2]
    lab.ok("teardown", "--yes")
    lab.nothing_left()


@pytest.mark.parametrize("moment", ["lock", "start vLLM: ", "loading weights"])
def test_a_killed_serve(lab: Lab, moment: str) -> None:
    """A load that went on without us is taken up again by the same command, not begun anew."""
    lab.use(nodes=ALONE)
    gate = lab.share / "gate"
    gate.unlink(missing_ok=True)
    words = ("serve", "--model", "tiny", "--set", f"env.STAND_IN_GATE={gate}")
    process = lab.started(*words)
    if moment == "lock":
        poll(lambda: holds(lab), "it has the lock")
    else:
        wait_for(process, moment)
    kill(lab, process)
    before = lab.hosts[0].marked("") if moment == "loading weights" else {}
    gate.touch()
    lab.ok(*words)
    assert before.items() <= lab.hosts[0].marked("").items()
    assert len(lab.hosts[0].marked("")) == 3
    lab.ok("teardown", "--yes")
    lab.nothing_left()


def test_a_killed_cluster_can_be_torn_down_at_once(lab: Lab) -> None:
    head = lab.hosts[0]
    head.drop_port(GCS_PORT)
    process = lab.started("cluster", "start", "--force", "firewall")
    wait_for(process, "h1 has joined Ray")
    kill(lab, process)
    lab.ok("teardown", "--yes")
    lab.nothing_left()
    head.allow_port(GCS_PORT)


def test_two_at_once(lab: Lab) -> None:
    """The second one names the first, changes nothing, and works once the first has gone."""
    lab.use(nodes=ALONE)
    words = ("serve", "--model", "tiny", "--set", f"env.STAND_IN_GATE={lab.share}/never")
    first = lab.started(*words)
    wait_for(first, "loading weights")
    before = lab.marked()
    for second in (("cluster", "start"), ("teardown", "--yes"), words):
        said = lab.fails(*second)
        assert "h1: cluster lab is being changed by root@" in said
        assert f"[{first.pid}] since " in said
        assert "hint: wait for it, or end that run; the lock goes with it" in said
    assert lab.marked() == before
    assert "starting" in lab.run("status").stdout
    kill(lab, first)
    lab.ok("teardown", "--yes")
    lab.nothing_left()
