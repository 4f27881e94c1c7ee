"""A bundle's file: always the same bytes, and whatever is not what we wrote is refused."""

import gzip
import io
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.errors import OrchestrateError, UsageError
from cluster.units import MIB
from orchestrator.audit import archive
from orchestrator.audit.archive import DamagedArchive, pack, unpack

FILES = {"b/two": b"2" * 600, "one": b"", "three": bytes(512)}
DAMAGE = "x.tar.gz: "


def write(folder: Path, content: bytes) -> Path:
    path = folder / "x.tar.gz"
    path.write_bytes(content)
    return path


def foreign(*entries: tuple[str, bytes], size: int = 2) -> bytes:
    """An archive with entries of these names and types, as others may make it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            info.size = size if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"x" * size))
    return out.getvalue()


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    assert unpack(write(tmp_path, pack("top", FILES))) == ("top", FILES)


def test_the_same_content_is_the_same_bytes() -> None:
    whole = pack("top", FILES)
    assert whole == pack("top", dict(reversed(FILES.items())))
    assert whole[3:8] == bytes(5)  # gzip's flags, so no name, and its time


def test_others_read_it_and_nothing_in_it_says_who_made_it_and_when() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack("top", FILES))) as tar:
        infos = tar.getmembers()
    assert [each.name for each in infos] == ["top/b/two", "top/one", "top/three"]
    assert {(e.mtime, e.uid, e.gid, e.uname, e.mode) for e in infos} == {(0, 0, 0, "", 0o644)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../up", "leads out of the folder"),
        ("top/../../up", "leads out of the folder"),
        ("top//up", "leads out of the folder"),
        ("/etc/cron.d/x", "an absolute path"),
        ("top/a\\..\\b", "a backslash"),
        ("top/a\x1b[2Jb", "control characters"),
        ("top/" + "n" * 99 + "/" + "n" * 99, "more than 200 bytes"),
    ],
)
def test_a_name_that_leads_elsewhere(tmp_path: Path, name: str, message: str) -> None:
    path = write(tmp_path, foreign((name, tarfile.REGTYPE)))
    with pytest.raises(DamagedArchive, match=message):
        unpack(path)
    with pytest.raises(OrchestrateError):
        pack("top", {name: b""})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a character device"),
        (tarfile.BLKTYPE, "a block device"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.GNUTYPE_LONGNAME, "an entry of type 'L'"),
        (tarfile.GNUTYPE_SPARSE, "an entry of type 'S'"),
        (tarfile.XHDTYPE, "an entry of type 'x'"),
    ],
)
def test_an_entry_that_is_no_file(tmp_path: Path, kind: bytes, message: str) -> None:
    path = write(tmp_path, foreign(("top/fine", tarfile.REGTYPE), ("top/odd", kind)))
    with pytest.raises(DamagedArchive, match=message):
        unpack(path)


def test_two_of_one_name_and_two_folders(tmp_path: Path) -> None:
    twice = foreign(("top/a", tarfile.REGTYPE), ("top/A", tarfile.REGTYPE))
    with pytest.raises(DamagedArchive, match="is in it twice"):
        unpack(write(tmp_path, twice))
    for other in ("elsewhere/a", "loose"):
        two = foreign(("top/a", tarfile.REGTYPE), (other, tarfile.REGTYPE))
        with pytest.raises(DamagedArchive, match="are not in one folder"):
            unpack(write(tmp_path, two))


def test_every_cut_is_found(tmp_path: Path) -> None:
    whole = pack("top", {"one": random.Random(7).randbytes(3000)})
    for length in (0, 5, 20, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        with pytest.raises(DamagedArchive, match="truncated"):
            unpack(write(tmp_path, whole[:length]))


def test_a_flipped_bit_of_the_file_never_changes_what_is_read(tmp_path: Path) -> None:
    """A few are harmless: the gzip header's time, or another way to say the same zeros."""
    files = {"one": b"some words"}
    whole, found = pack("top", files), 0
    for at in range(len(whole)):
        bad = bytearray(whole)
        bad[at] ^= 0x10
        try:
            assert unpack(write(tmp_path, bytes(bad))) == ("top", files)
        except DamagedArchive:
            found += 1
    assert found > 0.8 * len(whole)


@pytest.mark.parametrize(
    "harm",
    [
        lambda whole: whole + b"more",
        lambda whole: whole + pack("top", {"two": b""}),
        lambda whole: gzip.compress(gzip.decompress(whole) + b"more"),
        lambda whole: gzip.compress(gzip.decompress(whole) + bytes(600) + b"more"),
        lambda whole: gzip.compress(gzip.decompress(whole) + bytes(MIB + 9000)),
    ],
)
def test_what_follows_the_end(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedArchive, match="follows the end"):
        unpack(write(tmp_path, harm(pack("top", FILES))))


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"text", gzip.compress(b"t" * 2000)])
def test_what_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DamagedArchive, match=r"not a gzip file|not a bundle"):
        unpack(write(tmp_path, content))


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size stands in the header: nothing of that size is read."""
    info = tarfile.TarInfo("top/huge")
    info.size = archive.LIMIT_BYTES + 1
    bomb = gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(MIB))
    with pytest.raises(DamagedArchive, match="holds more than 512 MiB"):
        unpack(write(tmp_path, bomb))
    monkeypatch.setattr(archive, "LIMIT_FILES", 2)
    with pytest.raises(DamagedArchive, match="or than 2 files"):
        unpack(write(tmp_path, pack("top", FILES)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        unpack(tmp_path / "none")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        unpack(tmp_path)
    assert not os.listdir(tmp_path)
