"""The program that hashes, run for real on this machine: what it finds, and how it ends."""

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import HostError
from cluster.transport.answers import OBJECT, answers
from cluster.transport.local import Local
from cluster.transport.program import program
from cluster.transport.protocol import Session
from orchestrator.models.verify.hashing import Contents, Progress, hash_program, read_contents
from tests.support.factory import config_of
from tests.testbed.programs import poll

NODE = config_of().node[0]
LARGE = 200 << 30  # sparse: minutes to hash, nothing on the disk
LIMIT_S = 20.0


def contents_of(
    folder: Path, sizes: dict[str, int] | None = None, git: tuple[str, ...] = ()
) -> Contents:
    session = Local().session(NODE, hash_program(str(folder), sizes, git))
    try:
        return read_contents(NODE, session, lambda progress: None)
    finally:
        session.close()


def problems(found: Contents) -> dict[str, str]:
    return {file.path: file.problem for file in found.found if file.problem}


def test_every_file_gets_its_hashes(tmp_path: Path) -> None:
    texts = {"a": b"", "sub/b": b"hello\n", "c": os.urandom((9 << 20) + 1)}
    (tmp_path / "sub").mkdir()
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    found = contents_of(tmp_path, git=("sub/b",))
    assert {name: read.sha256 for name, read in found.hashes.items()} == {
        name: hashlib.sha256(text).hexdigest() for name, text in texts.items()
    }
    # what `git hash-object` says of "hello\n"
    assert found.hashes["sub/b"].git_sha1 == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert found.hashes["a"].git_sha1 == ""
    assert found.read_bytes == sum(map(len, texts.values()))


def test_only_what_is_wanted_and_has_its_size_is_read(tmp_path: Path) -> None:
    for name in ("right", "short", "other"):
        (tmp_path / name).write_text("text")
    found = contents_of(tmp_path, {"right": 4, "short": 5, "gone": 1})
    assert list(found.hashes) == ["right"]
    assert [file.path for file in found.found] == ["other", "right", "short"]
    assert contents_of(tmp_path, {}).hashes == {}


def test_links_are_followed_and_broken_ones_named(tmp_path: Path) -> None:
    name = "a" * 64
    (tmp_path / "blobs").mkdir()
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (tmp_path / "blobs" / name).write_text("weights")
    (snapshot / "whole").symlink_to(f"../blobs/{name}")
    (snapshot / "broken").symlink_to("../blobs/gone")
    os.mkfifo(snapshot / "pipe")
    (snapshot / "folder").symlink_to("../blobs")
    found = contents_of(snapshot)
    assert problems(found) == {
        "broken": "a link whose file is not there",
        "folder": "not a file",
        "pipe": "not a file",
    }
    [whole] = [file for file in found.found if file.path == "whole"]
    assert (whole.named, whole.real) == (f"sha256:{name}", str(tmp_path / "blobs" / name))
    assert found.hashes["whole"].sha256 == hashlib.sha256(b"weights").hexdigest()


def test_the_metadata_of_a_local_folder_names_its_files(tmp_path: Path) -> None:
    notes = tmp_path / ".cache/huggingface/download"
    notes.mkdir(parents=True)
    for name, saved in (("fresh", 4e9), ("changed", 1.0)):
        (tmp_path / name).write_text("text")
        (notes / f"{name}.metadata").write_text(f"{'c' * 40}\n{'b' * 40}\n{saved}\n")
    found = contents_of(tmp_path, {})
    assert {file.path: file.named for file in found.found} == {
        "changed": "",
        "fresh": "git-sha1:" + "b" * 40,
    }


def test_hidden_folders_are_left_out_unless_named(tmp_path: Path) -> None:
    for folder in (".git", ".eval"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("text")
    found = contents_of(tmp_path, {".eval/file": 4})
    assert [file.path for file in found.found] == [".eval/file"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be listed: FileNotFoundError"):
        contents_of(tmp_path / "gone")


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A file that takes minutes to hash."""
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, LARGE)
    yield path
    path.unlink()


def begun(folder: Path, silence_s: float = LIMIT_S) -> Session:
    request: dict[str, Any] = {"path": str(folder), "sizes": None, "git": []}
    sent = program("orchestrator.host.hash_files", {**request, "silence_s": silence_s})
    return Local().session(NODE, sent)


def up_to(session: Session, key: str) -> dict[str, Any]:
    """The next answer with this key."""
    return next(each for each in answers(session, OBJECT, LIMIT_S) if key in each)


def readers(session: Any) -> list[int]:
    pid = session.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_file_that_shrinks_while_it_is_read_costs_only_itself(large: Path) -> None:
    (large.parent / "small").write_text("text")
    session = begun(large.parent)
    try:
        up_to(session, "bytes")
        up_to(session, "bytes")
        os.truncate(large, 4096)
        ended = {each["file"]: each for each in answers(session, OBJECT, LIMIT_S) if "file" in each}
        assert "it shrank while it was read" in ended["large"]["problem"]
    finally:
        session.close()


def test_what_hangs_is_named_and_not_waited_for(large: Path) -> None:
    """A reader that is stopped makes no more progress than one stuck in the kernel."""
    session = begun(large.parent, silence_s=1.0)
    try:
        up_to(session, "found")
        up_to(session, "bytes")
        for pid in readers(session):
            os.kill(pid, signal.SIGSTOP)
        assert up_to(session, "silent") == {"silent": 1.0, "files": ["large"]}
    finally:
        session.close()


@pytest.mark.parametrize("killed", [False, True])
def test_its_end_is_the_end_of_its_readers(large: Path, killed: bool) -> None:
    session: Any = begun(large.parent)
    up_to(session, "found")
    up_to(session, "bytes")
    pids = readers(session)
    assert pids
    if killed:
        session.process.kill()
    session.close()
    poll(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the readers end")


def test_progress_grows_to_the_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    told: list[Progress] = []
    session = Local().session(NODE, hash_program(str(tmp_path), None))
    read_contents(NODE, session, told.append)
    session.close()
    assert (told[0].done, told[0].total, told[0].files) == (0, 1000, 1)
    assert told[0].cores == len(os.sched_getaffinity(0))
