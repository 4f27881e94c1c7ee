"""The real programs of a copy on loopback: four hosts with a cache and an address each."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.facts.hosts import HostFacts
from cluster.host import chunks
from cluster.inventory.node import Node
from cluster.reporter import Reporter
from cluster.transport.local import Local, LocalSession
from cluster.transport.program import Program, program
from cluster.transport.protocol import Session
from orchestrator.host import model_files
from orchestrator.models.lockfile import LockedModel
from orchestrator.models.name import ModelName
from orchestrator.models.sync.chain import Chain
from orchestrator.models.sync.copying import Copy
from orchestrator.models.sync.plan import Listed, contents_of
from tests.support.factory import config_of, entry, host_facts
from tests.support.hub_cache import COMMIT, locked, make_hub
from tests.support.modes import modes, too_open, umask_of
from tests.support.reporter import Recorder

MODEL = "org/m"
SHARD = (9 << 20) + 5  # bytes: two whole chunks and a piece
NODES = config_of(*(entry(n) for n in (1, 2, 3, 4))).node


class RememberingLocal(Local):
    """Remembers what it opened, so that a test can kill it."""

    def __init__(self) -> None:
        self.sessions: dict[str, LocalSession] = {}

    def session(self, node: Node, program: Program) -> Session:
        opened = super().session(node, program)
        assert isinstance(opened, LocalSession)
        self.sessions[node.name] = opened
        return opened


class Loop:
    """Hosts on loopback, the first one with a whole model in the hub's layout."""

    def __init__(self, folder: Path, *, shared_store: bool = False) -> None:
        self.folder, self.said = folder, list[str]()
        self.transport = RememberingLocal()
        self.snapshot = make_hub(folder / "h1", MODEL, SHARD, shared_store=shared_store)
        self.lock = locked(MODEL, self.snapshot)

    def host(self, node: Node) -> HostFacts:
        path = str(self.folder / node.name)
        cache = {"path": path, "hangs": False, "exists": True, "writable": True}
        number = int(node.name[1:])
        return host_facts(
            node.model_copy(update={"fast_address": f"127.0.0.{number}"}), cache=cache
        )

    def copy(
        self, *, lock: LockedModel | None = None, reporter: Reporter | None = None
    ) -> tuple[Copy, Chain]:
        listing = self.ask("snapshot", {"path": str(self.snapshot), "refs": []})
        where = {"folder": ModelName.of(MODEL).folder, "on_hub": True}
        request = {**where, "commit": COMMIT, "refs": {"main": COMMIT}, "run": "r"}
        hosts = [self.host(node) for node in NODES]
        contents = contents_of([Listed(**each) for each in listing["files"]], lock)
        copy = Copy(self.transport, request, contents, hosts, reporter or Recorder(self.said))
        return copy, copy.run()

    def ask(self, name: str, request: Any) -> Any:
        sent = program(f"orchestrator.host.{name}", request)
        return json.loads(self.transport.run(NODES[0], sent).out)

    def whole(self, name: str) -> bool:
        """As `serve` would find it, byte for byte, and nothing left over."""
        cache = self.folder / name
        where = {"cache": str(cache), "folder": ModelName.of(MODEL).folder, "on_hub": True}
        path = Path(model_files.find({**where, "revision": "main"}))
        files, broken = model_files.listing(str(path))
        same = all(
            (path / file.path).read_bytes() == (self.snapshot / file.path).read_bytes()
            for file in self.lock.files
        )
        left = [each for each in cache.rglob(".*")]
        return same and not broken and not left and len(files) == len(self.lock.files)

    def blob(self, host: str) -> Path:
        """The first shard's bytes in a host's cache."""
        name = next(f.hash for f in self.lock.files if f.path.startswith("model-00001"))
        return self.folder / host / "hub/models--org--m/blobs" / name.partition(":")[2]

    def left_half(self, host: str, data: bytes) -> None:
        """What an interrupted run leaves: two of three chunks have arrived."""
        staging = self.folder / host / "hub/models--org--m/.orchestrate-sync"
        staging.mkdir(parents=True)
        key = self.blob(host).name
        (staging / f"{key}.part").write_bytes(data.ljust(SHARD, b"\0"))
        (staging / f"{key}.chunks").write_bytes(b"\1\1")


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


@pytest.mark.parametrize("shared_store", [False, True])
def test_links_and_their_blobs_arrive_everywhere(tmp_path: Path, shared_store: bool) -> None:
    loop = Loop(tmp_path, shared_store=shared_store)
    copy, chain = loop.copy()
    assert (chain.failed, chain.placed) == ({}, {"h2", "h3", "h4"})
    assert all(loop.whole(name) for name in ("h2", "h3", "h4"))
    size = sum(content.size for content in copy.contents)
    counters = {name: peer.counters for name, peer in copy.peers.items()}
    assert [counters[n].got for n in ("h1", "h2", "h3", "h4")] == [0, size, size, size]
    assert [counters[n].sent for n in ("h1", "h2", "h3", "h4")] == [size, size, size, 0]


def test_what_is_there_is_not_sent_again(loop: Loop) -> None:
    loop.copy()
    copy, chain = loop.copy(lock=loop.lock)
    assert chain.placed == {"h2", "h3", "h4"}
    assert {peer.counters.got for peer in copy.peers.values()} == {0}


def test_a_host_that_has_a_file_feeds_the_one_that_lacks_it(loop: Loop) -> None:
    loop.copy()
    size = loop.blob("h4").stat().st_size
    loop.blob("h4").unlink()
    copy, _ = loop.copy()
    assert [copy.peers[n].counters.sent for n in ("h1", "h2", "h3")] == [0, 0, size]
    assert loop.whole("h4")


def test_a_half_copied_file_goes_on_where_it_was(loop: Loop) -> None:
    data = loop.blob("h1").read_bytes()
    loop.left_half("h3", data[: 2 * chunks.CHUNK])
    copy, _ = loop.copy()
    size = sum(content.size for content in copy.contents)
    assert copy.peers["h3"].counters.got == size - 2 * chunks.CHUNK
    assert loop.whole("h3")
    assert loop.whole("h4")


def test_a_wrong_byte_in_what_an_old_run_left_is_found_and_mended(loop: Loop) -> None:
    data = bytearray(loop.blob("h1").read_bytes()[: 2 * chunks.CHUNK])
    data[77] ^= 1
    loop.left_half("h2", bytes(data))
    _, chain = loop.copy(lock=loop.lock)
    assert chain.failed == {}
    assert all(loop.whole(name) for name in ("h2", "h3", "h4"))
    assert any("has a damaged model-00001" in line for line in loop.said)


def test_a_wrong_byte_in_a_file_in_its_place_is_found_and_mended(loop: Loop) -> None:
    loop.copy()
    data = bytearray(loop.blob("h3").read_bytes())
    data[-1] ^= 1
    loop.blob("h3").write_bytes(data)
    copy, _ = loop.copy()
    assert [copy.peers[n].counters.got for n in ("h2", "h3", "h4")] == [0, len(data), 0]
    assert not any("damaged" in line for line in loop.said)  # seen before h4 could get it
    assert loop.whole("h3")


def test_a_damaged_source_is_named_and_nothing_is_put_in_place(loop: Loop) -> None:
    data = bytearray(loop.blob("h1").read_bytes())
    data[5] ^= 1
    loop.blob("h1").write_bytes(data)
    _, chain = loop.copy(lock=loop.lock)
    (damaged,) = chain.damaged
    assert damaged.startswith("model-00001-of-00002.safetensors has sha256:")
    assert chain.placed == set()
    assert not (loop.folder / "h2/hub/models--org--m/snapshots").exists()


def test_hosts_with_one_folder_get_one_copy(loop: Loop) -> None:
    for name, target in (("h2", "h1"), ("h4", "h3")):
        (loop.folder / target).mkdir(exist_ok=True)
        (loop.folder / name).symlink_to(target)
    copy, chain = loop.copy()
    assert copy.shared == {"h2": "h1", "h4": "h3"}
    assert chain.placed == {"h3"}
    assert loop.whole("h3")


def test_a_host_that_is_killed_is_out_and_the_others_are_served(loop: Loop) -> None:
    class Killer(Recorder):
        def tell(self, line: str) -> None:
            if line == "looking at what the hosts have":
                loop.transport.sessions["h3"].process.kill()

    copy, chain = loop.copy(reporter=Killer())
    assert {**copy.failed, **chain.failed}.keys() == {"h3"}
    assert chain.placed == {"h2", "h4"}
    assert loop.whole("h4")


@pytest.mark.parametrize(("umask", "folder"), [(0o000, 0o775), (0o027, 0o750), (0o077, 0o700)])
def test_copies_are_as_open_as_the_umask_says_but_never_everybodys_to_write(
    loop: Loop, umask: int, folder: int
) -> None:
    with umask_of(umask):
        loop.copy()
    assert loop.whole("h4")
    assert too_open(loop.folder / "h4", folder) == {}
    assert int(modes(loop.folder / "h4")["hub/models--org--m/blobs"], 8) == folder
    assert loop.blob("h4").stat().st_mode & 0o777 == folder & 0o666
