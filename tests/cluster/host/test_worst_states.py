"""Services on a host whose disk, records or neighbours are not as they should be; for real."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import Busy, HostError, HostsError, LockLost
from cluster.execution.execute import STOP, Run, execute
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Stage, Start, Step, Stop
from cluster.facts.gather import gather_facts
from cluster.host import services
from cluster.runtimes.service import Service
from cluster.transport import program as programs
from cluster.transport.call import call
from cluster.transport.command import Command
from cluster.transport.local import Local, LocalSession
from tests.support.factory import config_of
from tests.support.reporter import Recorder

CLUSTER = {"name": f"test-{os.getpid()}"}  # marks are seen by every run of these tests
CONFIG = config_of({"name": "here", "role": "head", "fast_address": "127.0.0.2"}, cluster=CLUSTER)
HERE = CONFIG.head
SLEEPS = Service(CONFIG.name, "demo", HERE, Command(("sleep", "300")))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    yield tmp_path
    do(Stop(HERE, (SLEEPS.mark,), grace_s=0))


def do(*steps: Step, run: str = "") -> list[Any]:
    with closing(Local()) as transport:
        plan = Plan("p", tuple(Stage("s", (step,)) for step in steps))
        return execute(plan, transport, run=Run(run))


def test_what_another_run_started_since_is_not_taken_back() -> None:
    do(Start(SLEEPS), run="the run of a colleague")
    [answer] = do(Stop(HERE, (SLEEPS.mark,), only_this_run=True), run="one that slept")
    assert answer.stopped == {}
    assert services.marked(SLEEPS.mark)
    [answer] = do(Stop(HERE, (SLEEPS.mark,), only_this_run=True), run="the run of a colleague")
    assert answer.stopped == {SLEEPS.mark: 2}


def test_a_run_whose_lock_went_begins_no_stage() -> None:
    stop = Plan("p", (Stage("s", (Stop(HERE, (SLEEPS.mark,)),)),))
    do(Start(SLEEPS))
    with closing(Local()) as transport, cluster_lock(transport, CONFIG) as lock:
        lock.require()
        assert isinstance(lock.session, LocalSession)
        lock.session.process.send_signal(signal.SIGKILL)
        with pytest.raises(LockLost, match="here: the cluster's lock is lost"):
            execute(stop, transport, run=lock.run())
    assert services.marked(SLEEPS.mark)


def test_without_a_lock_what_must_come_down_comes_down(home: Path) -> None:
    (home / ".orchestrate").write_text("a file where the folder should be")
    told: list[str] = []
    with closing(Local()) as transport:
        with (
            pytest.raises(HostError, match=r"cannot take the cluster's lock: .*orchestrate"),
            cluster_lock(transport, CONFIG),
        ):
            raise AssertionError("there is no lock to be had")
        with cluster_lock(transport, CONFIG, reporter=Recorder(told), needed=False) as lock:
            lock.require()
            lock.audit("goes nowhere")
    assert "no lock, going on without it" in told[0]


def test_an_audit_line_that_cannot_be_written_lets_no_lock_go(home: Path) -> None:
    (home / ".orchestrate" / CONFIG.name / "audit").mkdir(parents=True)
    told: list[str] = []
    with (
        closing(Local()) as transport,
        cluster_lock(transport, CONFIG, reporter=Recorder(told)) as lock,
    ):
        lock.audit("text")
        lock.require()
    assert "the audit line is not written" in told[0]


@pytest.mark.parametrize("name", ["spec.json", "pid", "exit.json"])
@pytest.mark.parametrize("text", ["", "[1, 2]", '"text"', "7", '{"supervisor": "x"}', "[" * 9999])
def test_a_damaged_record_is_one_row_and_can_be_stopped(home: Path, name: str, text: str) -> None:
    do(Start(SLEEPS))
    (home / ".orchestrate" / SLEEPS.mark / name).write_text(text)
    with closing(Local()) as transport:
        [host] = gather_facts(transport, CONFIG).hosts
    [service] = host.services
    assert len(service.pids) == 2
    [answer] = do(Stop(HERE, (SLEEPS.mark,)))
    assert answer.stopped == {SLEEPS.mark: 2}
    assert answer.left == {}


def test_a_process_that_a_signal_has_stopped_is_named_and_can_be_ended() -> None:
    do(Start(SLEEPS))
    [child] = [
        pid for pid in services.marked(SLEEPS.mark) if services.command_line(pid)[:5] == "sleep"
    ]
    with closing(Local()) as transport:
        assert gather_facts(transport, CONFIG).hosts[0].services[0].stopped == ()
        os.kill(child, signal.SIGSTOP)
        [found] = gather_facts(transport, CONFIG).hosts[0].services
    assert (found.alive, found.stopped) == (True, ("sleep",))
    [answer] = do(Stop(HERE, (SLEEPS.mark,)))
    assert answer.left == {}


@pytest.mark.parametrize("name", ["spec.json", "pid", "exit.json"])
def test_a_folder_in_a_records_place_makes_way(home: Path, name: str) -> None:
    folder = home / ".orchestrate" / SLEEPS.mark
    (folder / name / "inner").mkdir(parents=True)
    do(Start(SLEEPS))
    assert len(services.marked(SLEEPS.mark)) == 2
    (folder / name).unlink(missing_ok=True)
    (folder / name / "inner").mkdir(parents=True)
    [answer] = do(Stop(HERE, (SLEEPS.mark,)))
    assert (answer.left, answer.kept) == ({}, ())


def test_a_record_that_names_a_neighbours_process_ends_no_neighbour(home: Path) -> None:
    """It runs, its start time is right, and it carries a mark: of another cluster."""
    do(Start(SLEEPS))
    words = ["sleep", "300"]
    with subprocess.Popen(words, env={**os.environ, services.MARK: "other/here/demo"}) as neighbour:
        try:
            identity = [neighbour.pid, services.start_ticks(neighbour.pid)]
            record = home / ".orchestrate" / SLEEPS.mark / "pid"
            record.write_text(json.dumps({"supervisor": identity, "child": identity}))
            assert services.supervisor_of(record.parent) is None
            [answer] = do(Stop(HERE, (SLEEPS.mark,)))
            assert answer.stopped == {SLEEPS.mark: 2}
            assert neighbour.poll() is None
        finally:
            neighbour.kill()


def test_folders_are_the_owners_alone_under_any_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        do(Start(SLEEPS))
    finally:
        os.umask(before)
    made = [home / ".orchestrate", *(home / ".orchestrate").rglob("*")]
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_a_mark_counts_only_for_the_cluster_that_has_this_id(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(Start(SLEEPS))
    assert len(services.marked(SLEEPS.mark)) == 2
    (home / ".orchestrate" / CONFIG.name / "id").write_text("of another cluster")
    assert len(services.marked(SLEEPS.mark)) == 2  # the supervisor adopts what it started
    [child] = [
        pid for pid in services.marked(SLEEPS.mark) if "sleep" in services.command_line(pid)[:5]
    ]
    assert services.own_mark(child) is None


def test_a_node_that_was_renamed_leaves_a_stray() -> None:
    do(Start(SLEEPS))
    node = {"name": "there", "role": "head", "fast_address": "127.0.0.2"}
    renamed = config_of(node, cluster=CLUSTER)
    with closing(Local()) as transport:
        [host] = gather_facts(transport, renamed).hosts
    assert list(host.strays) == [SLEEPS.mark]


def test_an_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    programs.loader.cache_clear()
    with monkeypatch.context() as patched, closing(Local()) as transport:
        patched.setattr(programs, "OLDEST_PYTHON", (3, 99))
        with pytest.raises(HostError) as caught:
            call(transport, HERE, STOP, {})
    programs.loader.cache_clear()
    here = f"python3 is 3.{sys.version_info.minor} there, and 3.99 or newer is needed"
    assert here in str(caught.value)


def test_a_disk_that_takes_nothing_is_named(home: Path) -> None:
    (home / ".orchestrate").write_text(json.dumps("a file where the folder should be"))
    with pytest.raises(HostsError, match=r"program failed: .*\.orchestrate.*Not a directory"):
        do(Start(SLEEPS))


def test_a_lock_with_a_garbled_name_is_held_all_the_same(home: Path) -> None:
    path = home / ".orchestrate" / CONFIG.name / "lock"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe garbage")
    with path.open("rb") as file, closing(Local()) as transport:
        fcntl.flock(file, fcntl.LOCK_EX)
        with (
            pytest.raises(Busy, match="garbage"),
            cluster_lock(transport, CONFIG, needed=False),
        ):
            raise AssertionError("somebody else has it")
