"""Services for real, on this machine, in a home of their own: no root, no SSH."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import Busy
from cluster.execution.execute import Launched, Stopped, Written, execute
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Put, Stage, Start, Step, Stop
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HostFacts
from cluster.host import launch, services
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from cluster.transport.local import Local
from cluster.transport.program import program
from tests.support.factory import config_of

CONFIG = config_of({"name": "here", "role": "head", "fast_address": "127.0.0.2"})
HERE = CONFIG.head
MARK = f"test-{os.getpid()}/here/demo"
LIMIT_S = 20


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def do(*steps: Step) -> list[Any]:
    with closing(Local()) as transport:
        return execute(Plan("p", tuple(Stage("s", (step,)) for step in steps)), transport)


def demo(script: str, **changes: Any) -> Service:
    cluster, node, name = MARK.split("/")
    assert node == HERE.name
    fields = {"cluster": cluster, "name": name, "node": HERE, **changes}
    return Service(command=Command(("sh", "-c", script), {"GREETING": "hello"}), **fields)


@contextmanager
def running(service: Service) -> Iterator[Any]:
    [answer] = do(Start(service))
    try:
        yield answer
    finally:
        do(Stop(HERE, (MARK,), grace_s=0))


def log_of(mark: str, *, until: str) -> list[Any]:
    """The events of the log up to the one that holds a text."""
    request = {"mark": mark, "lines": 100, "follow": True}
    seen = []
    with closing(Local()) as transport:
        session = transport.session(HERE, program("cluster.host.follow", request))
        with closing(session):
            for line in session.lines(LIMIT_S):
                seen.append(json.loads(line))
                if until in line:
                    return seen
    raise AssertionError(f"no {until} in {seen}")


def test_a_service_runs_is_followed_and_is_stopped(home: Path) -> None:
    with running(demo('echo "$GREETING"; exec sleep 300', files={"notes": "text"})) as answer:
        assert services.is_alive([answer.pid, services.start_ticks(answer.pid)])
        assert log_of(MARK, until="hello") == [{"line": "hello"}]
        folder = home / ".orchestrate" / MARK
        assert (folder / "notes").read_text() == "text"
        assert (folder / "spec.json").stat().st_mode & 0o777 == 0o600
        assert do(Start(demo("true"))) == [Launched(already=answer.pid)]
        [stopped] = do(Stop(HERE, (MARK,), grace_s=5))
    assert stopped == Stopped({MARK: 2}, (), {}, (), "here")
    assert not services.marked(MARK)
    assert sorted(path.name for path in folder.iterdir()) == ["exit.json", "log", "notes"]


def test_a_service_that_ends_says_how(home: Path) -> None:
    with running(demo("echo last words; exit 3")):
        *lines, end = log_of(MARK, until='"exit"')
        assert lines == [{"line": "last words"}]
        assert (end["exit"]["code"], end["exit"]["reason"]) == (3, "exited with code 3")


def test_a_killed_service_says_by_which_signal() -> None:
    with running(demo("kill -9 $$")):
        assert log_of(MARK, until='"exit"')[-1]["exit"]["reason"] == "killed by signal 9"


def test_words_that_cannot_run_are_named() -> None:
    service = Service(MARK.split("/")[0], "demo", HERE, Command(("/nowhere/vllm",)))
    with running(service):
        reason = log_of(MARK, until='"exit"')[-1]["exit"]["reason"]
    assert reason == "cannot run /nowhere/vllm: No such file or directory"


def test_what_hides_its_mark_or_ignores_term_is_stopped_too() -> None:
    hidden = "setsid env -i sleep 301 & trap '' TERM; echo up; while :; do sleep 302; done"
    with running(demo(hidden)):
        log_of(MARK, until="up")
        [stopped] = do(Stop(HERE, (MARK,), grace_s=0.2))
    assert stopped.left == {}
    assert stopped.killed
    assert not services.marked(MARK)


def test_a_new_run_keeps_the_log_of_the_last_one(home: Path) -> None:
    for words in ("one", "two"):
        with running(demo(f"echo {words}")):
            log_of(MARK, until='"exit"')
    folder = home / ".orchestrate" / MARK
    assert (folder / "log.1").read_text() == "one\n"
    assert (folder / "log").read_text() == "two\n"


def test_a_long_log_is_moved_and_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("a") as service:
        service.write("x" * 100)
        service.flush()
        launch.keep_bounded(log, 100)
        assert not (tmp_path / "log.1").exists()
        service.write("y")
        service.flush()
        launch.keep_bounded(log, 100)
        service.write("z")
    assert (tmp_path / "log.1").read_text() == "x" * 100 + "y"
    assert log.read_text() == "z"


def test_marks_and_descent_of_a_real_child() -> None:
    words = ["sh", "-c", "env -i sleep 303 & echo up; wait"]
    env = {**os.environ, services.MARK: MARK}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        try:
            found = services.marked(MARK.rpartition("/")[0])
            assert set(found.values()) == {MARK}
            assert set(found) == {child.pid, *services.descendants(child.pid)}
            assert len(found) == 2
            assert services.marked(MARK[:-1]) == {}
            assert services.own_mark(child.pid) == MARK
            assert services.command_line(child.pid).startswith("sh -c")
        finally:
            for pid in (*services.descendants(child.pid), child.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)


def test_a_pid_alone_is_no_identity() -> None:
    assert services.is_alive([os.getpid(), services.start_ticks(os.getpid())])
    assert not services.is_alive([os.getpid(), 1])
    assert not services.is_alive(None)
    assert not services.is_alive([])


def test_a_file_is_written_whole_with_its_mode(home: Path) -> None:
    assert do(Put(HERE, "~/.orchestrate/test/api-key", "schlüssel")) == [Written(10)]
    file = home / ".orchestrate" / "test" / "api-key"
    assert (file.read_text("utf-8"), file.stat().st_mode & 0o777) == ("schlüssel", 0o600)


def test_the_lock_has_one_holder_and_goes_with_it(home: Path) -> None:
    with closing(Local()) as transport:
        with cluster_lock(transport, CONFIG) as lock:
            lock.audit("cluster start: nothing to do")
            with (
                pytest.raises(Busy, match=r"cluster test is being changed by .+ since "),
                cluster_lock(transport, CONFIG),
            ):
                pass
        with cluster_lock(transport, CONFIG):
            pass
    audit = (home / ".orchestrate" / "test" / "audit").read_text()
    assert audit.endswith("cluster start: nothing to do\n")


def test_the_probe_runs_here() -> None:
    with closing(Local()) as transport:
        facts = gather_facts(transport, CONFIG)
    assert facts.unreached == ()
    [host] = facts.hosts
    assert isinstance(host, HostFacts)
    assert host.memory.total > host.memory.available > 0
    assert host.fast_interface is not None
    assert host.fast_interface.name == "lo"
    assert not host.services
