"""What programs write on a host is its owner's alone, under any umask."""

import json
import os
import re
from contextlib import closing
from pathlib import Path

import pytest

from cluster.execution.execute import Run, execute
from cluster.execution.lock import cluster_lock
from cluster.execution.plan import Plan, Put, Stage, Start, Step, Stop
from cluster.host import launch, nonce, services
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from cluster.transport.local import Local
from tests.support.factory import config_of
from tests.support.modes import UMASKS, modes, too_open, umask_of

ROOT = Path(__file__).parents[3]
CLUSTER = {"name": f"modes-{os.getpid()}"}  # marks are seen by every run of these tests
CONFIG = config_of({"name": "here", "role": "head", "fast_address": "127.0.0.2"}, cluster=CLUSTER)
HERE = CONFIG.head
SAYS = Command(("sh", "-c", "echo started; exec sleep 300"))
SERVICE = Service(CONFIG.name, "demo", HERE, SAYS, files={"note": "a file of the service"})
PRIVATE = {"cluster.host.hold", "cluster.host.launch", "cluster.host.put", "cluster.host.services"}
PRIVATE |= {f"orchestrator.host.{each}" for each in ("media_files", "media_server")}
PRIVATE |= {"orchestrator.host.vllm_arguments", "cluster.host.ray_start"}
CACHE = {"cluster.host.nonce", "cluster.host.chunks"}
CACHE |= {
    f"orchestrator.host.{each}"
    for each in ("sync", "layout", "download", "make_tiny", "make_talks")
}
MAKES = re.compile(
    r"O_CREAT|makedirs|mkdir|symlink\(|write_text|write_bytes|save_pretrained|open_private"
    r"|write_private|(?<!fd)open\((?!writer)[^\n]*\"[wxa]b?\""  # pipes are none
)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o755)
    return tmp_path / "home"


def do(transport: Local, step: Step) -> None:
    execute(Plan("p", (Stage("s", (step,)),)), transport, run=Run("r"))


@pytest.mark.parametrize("umask", UMASKS)
def test_all_that_a_cluster_keeps_in_a_home_is_private(home: Path, umask: int) -> None:
    secret = Put(HERE, f"~/.orchestrate/{CONFIG.name}/here/key", "secret")
    with umask_of(umask), closing(Local()) as transport:
        try:
            with cluster_lock(transport, CONFIG) as lock:
                lock.audit("a line")
                do(transport, secret)
                do(transport, Start(SERVICE))
        finally:
            do(transport, Stop(HERE, (SERVICE.mark,), grace_s=0, keep_record=True))
    made = modes(home / ".orchestrate")
    service = f"{CONFIG.name}/here/demo"
    names = {"log", "spec.json", "exit.json", "pid", "note", "launching"}
    assert {f"{service}/{each}" for each in names} <= made.keys()
    assert {f"{CONFIG.name}/here/key", f"{CONFIG.name}/audit", f"{CONFIG.name}/id"} <= made.keys()
    assert too_open(home / ".orchestrate", 0o700) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_a_log_that_was_cut_and_what_an_older_file_left_are_private(home: Path, umask: int) -> None:
    log = home / "log"
    with umask_of(0):
        log.write_bytes(b"x" * 100)
        (home / "key.new").write_text("left by a run that was killed")
    with umask_of(umask):
        launch.keep_bounded(log, limit_bytes=10)
        services.write_private(home / "key", "schlüssel")
    assert (home / "log.1").read_bytes() == b"x" * 100
    assert (home / "key").read_text("utf-8") == "schlüssel"
    assert {name: modes(home)[name] for name in ("log.1", "key")} == {"log.1": "600", "key": "600"}


def test_the_folders_on_the_way_are_not_changed(home: Path) -> None:
    """A user's own ~/.cache stays as it is; only what was made is private."""
    (home / ".cache").mkdir(mode=0o755)
    with umask_of(0):
        services.private_folder(home / ".cache/ours/deep", own=home / ".cache/ours")
    assert modes(home / ".cache") == {".": "755", "ours": "700", "ours/deep": "700"}


@pytest.mark.parametrize(("umask", "mode"), [(0o000, "644"), (0o022, "644"), (0o077, "600")])
def test_a_nonce_can_be_read_where_the_umask_lets_it_and_written_by_nobody(
    tmp_path: Path, umask: int, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with umask_of(umask):
        nonce.main({"cache": str(tmp_path), "name": "n", "text": "seen"})
    assert json.loads(capsys.readouterr().out) == {"text": "seen"}
    assert modes(tmp_path)["n"] == mode


def test_every_program_that_writes_is_on_one_of_the_two_lists() -> None:
    """A new one: decide whose its files are, and test their modes under a umask of 0."""
    found = {
        f"{package}.host.{path.stem}"
        for package in ("cluster", "orchestrator")
        for path in (ROOT / package / "host").glob("*.py")
        if MAKES.search(path.read_text("utf-8"))
    }
    assert found == PRIVATE | CACHE
