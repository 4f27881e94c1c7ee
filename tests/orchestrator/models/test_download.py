"""A model from the tests' own hub into a cache on this machine, by the program that hosts run."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from cluster.errors import OrchestrateError
from cluster.transport.local import Local
from orchestrator.models.download import download
from orchestrator.models.hub.ask import HubAccess, ask_hub
from orchestrator.models.lockfile import LockedModel
from tests.hub.faults import Fault, Hold
from tests.hub.repository import Blob, Repository
from tests.hub.server import Hub
from tests.support.factory import config_of, host_facts
from tests.support.modes import modes, too_open, umask_of
from tests.support.reporter import Recorder

NAME = "org/model"
WEIGHTS = bytes(range(256)) * 16_000
SMALL = {"config.json": b"{}", "sub/notes.txt": b"some", "empty": b"", "empty2": b""}
FILES = {**SMALL, "a.safetensors": WEIGHTS, "b.safetensors": b"b" + WEIGHTS}


@dataclass
class Desk:
    """A cache, a hub, and what was told."""

    cache: Path
    hub: Hub
    told: list[str] = field(default_factory=list)

    def pull(self, entry: LockedModel | None = None, token: str = "hf_good") -> str:
        """Download to the end, or to an error: its text."""
        asked = HubAccess(self.hub.url, token or None, 1.0)
        wanted = entry or self.locked()
        cache = {"path": str(self.cache), "hangs": False, "exists": True}
        here = host_facts(config_of().node[0], cache=cache)
        try:
            return str(asdict(download(Local(), here, wanted, asked, Recorder(self.told))))
        except OrchestrateError as error:
            return str(error)

    def locked(self) -> LockedModel:
        return ask_hub(HubAccess(self.hub.url, "hf_good"), NAME, "main", Recorder(self.told))

    @property
    def made(self) -> Repository:
        return self.hub.repositories[NAME]

    @property
    def folder(self) -> Path:
        return self.cache / "hub/models--org--model"

    def blob(self, path: str) -> Blob:
        return self.made.commits[self.made.head][path]

    def place(self, path: str) -> Path:
        return self.folder / "blobs" / self.blob(path).etag

    def part(self, path: str) -> Path:
        place = self.place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.with_name(place.name + ".incomplete")

    def has(self, commit: str) -> bool:
        """Whether exactly the commit's files lie in its snapshot, and nothing half done."""
        root = self.folder / "snapshots" / commit
        found = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if not p.is_dir()}
        wanted = self.made.commits[commit]
        same = all(found[p].read_bytes() == b.read(0, b.size) for p, b in wanted.items())
        half = list(self.folder.rglob("*.incomplete"))
        return found.keys() == wanted.keys() and same and not half


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Hub.up() as hub:
        hub.tokens.add("hf_good")
        hub.add(Repository(NAME).commit(FILES))
        yield Desk(tmp_path, hub)


def test_what_is_whole_is_not_downloaded_again(desk: Desk) -> None:
    desk.pull()
    assert desk.has(desk.made.head)
    sent = desk.hub.bytes_sent
    assert sent == sum(map(len, FILES.values()))
    assert "'files': 0, 'bytes': 0" in desk.pull()
    assert desk.hub.bytes_sent == sent


def test_the_next_commit_travels_only_where_it_differs(desk: Desk) -> None:
    desk.pull()
    first, sent = desk.made.head, desk.hub.bytes_sent
    desk.made.commit({**FILES, "config.json": b"[1]"})
    desk.pull()
    assert desk.has(first)
    assert desk.has(desk.made.head)
    assert desk.hub.bytes_sent == sent + 3


def test_the_locked_commit_comes_though_the_branch_has_moved(desk: Desk) -> None:
    entry = desk.locked()
    desk.made.commit({**FILES, "config.json": b"[]"})
    desk.pull(entry)
    assert desk.has(entry.commit)
    assert [each.name for each in (desk.folder / "snapshots").iterdir()] == [entry.commit]
    assert (desk.folder / "refs/main").read_text() == entry.commit


def test_huggingface_hub_finds_it_offline(desk: Desk) -> None:
    desk.pull()
    code = f"import huggingface_hub as h; print(h.snapshot_download('{NAME}'))"
    env = {**os.environ, "HF_HOME": str(desk.cache), "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(desk.folder / "snapshots" / desk.made.head)


def test_a_drop_in_mid_file_is_told(desk: Desk) -> None:
    desk.hub.fault(Fault(f"/cdn/{desk.blob('a.safetensors').sha256}", after=1_000_000, drop=True))
    desk.pull()
    assert "h1: a.safetensors: the connection broke; again in 1 s" in desk.told
    assert desk.has(desk.made.head)
    assert desk.hub.bytes_sent == sum(map(len, FILES.values()))


def test_it_goes_on_from_what_an_earlier_run_has_left(desk: Desk) -> None:
    desk.part("a.safetensors").write_bytes(WEIGHTS[:1_000_000])
    desk.pull()
    assert desk.has(desk.made.head)
    assert desk.hub.sent[desk.blob("a.safetensors").etag] == len(WEIGHTS) - 1_000_000
    assert any("0.00 GB are here" in line for line in desk.told)


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * (len(WEIGHTS) + 9), b"x" * len(WEIGHTS)])
def test_what_an_earlier_run_left_damaged_comes_anew(desk: Desk, left: bytes) -> None:
    desk.part("a.safetensors").write_bytes(left)
    desk.pull()
    assert desk.has(desk.made.head)


def test_a_truncated_blob_comes_anew(desk: Desk) -> None:
    desk.pull()
    desk.place("a.safetensors").write_bytes(b"x")
    desk.pull()
    assert desk.has(desk.made.head)


def test_a_hub_that_sends_other_bytes(desk: Desk) -> None:
    path = f"/cdn/{desk.blob('a.safetensors').sha256}"
    desk.hub.fault(Fault(path, instead=b"y" * len(WEIGHTS)))
    said = desk.pull()
    assert "h1: the hub sent other bytes of a.safetensors than models.lock says" in said
    assert not desk.part("a.safetensors").exists()
    assert not desk.place("a.safetensors").exists()
    desk.pull()
    assert desk.has(desk.made.head)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "is gated: the hub gives its files only to those who accepted its terms"),
        ("hf_stranger", "the token's account has no access to org/model"),
        ("hf_wrong", "the hub refuses the token"),
    ],
)
def test_a_gated_model(desk: Desk, token: str, message: str) -> None:
    entry = desk.locked()
    desk.hub.strangers.add("hf_stranger")
    desk.made.gated = True
    said = desk.pull(entry, token)
    assert message in said
    assert "hf_" not in said
    desk.pull(entry)
    assert desk.has(entry.commit)


def test_a_commit_that_is_gone(desk: Desk) -> None:
    entry = desk.locked()
    del desk.made.commits[entry.commit]
    said = desk.pull(entry)
    assert "at commit" in said
    assert "any more\n  hint: the commit was deleted there: orchestrate models lock" in said


def test_a_cache_that_cannot_be_written(desk: Desk) -> None:
    (desk.cache / "hub").write_text("a file where a folder should be")
    assert f"h1: the model cache {desk.cache} cannot be written: " in desk.pull()


def test_two_at_once_on_one_file(desk: Desk) -> None:
    """Two clusters may share a cache: the second one waits, and finds it whole."""
    entry, hold = desk.locked(), Hold()
    path = f"/cdn/{desk.blob('a.safetensors').sha256}"
    desk.hub.fault(Fault(path, after=1000, hold=hold))
    first = threading.Thread(target=desk.pull)
    first.start()
    hold.arrived()
    said = desk.pull(entry)
    first.join(60)
    assert "snapshots" in said
    assert desk.has(entry.commit)
    assert desk.hub.sent[desk.blob("a.safetensors").etag] <= len(WEIGHTS) + 1000


@pytest.mark.parametrize(("umask", "folder"), [(0o000, 0o775), (0o027, 0o750), (0o077, 0o700)])
def test_a_download_is_as_open_as_the_umask_says_but_never_everybodys_to_write(
    desk: Desk, umask: int, folder: int
) -> None:
    with umask_of(umask):
        desk.pull()
    assert desk.has(desk.made.head)
    assert too_open(desk.folder, folder) == {}
    assert modes(desk.folder)["blobs"] == f"{folder:o}"
    assert desk.place("a.safetensors").stat().st_mode & 0o777 == folder & 0o666
