"""Lock and folder -> differences."""

import hashlib

import pytest

from orchestrator.models.lockfile import LockedFile
from orchestrator.models.verify.differences import Difference, differences, without_metadata
from orchestrator.models.verify.hashing import Contents, FileHash, FoundFile

SHA256 = hashlib.sha256(b"weights").hexdigest()
SHA1 = "b" * 40
LOCKED = (
    LockedFile(path="config.json", size=3, hash=f"git-sha1:{SHA1}"),
    LockedFile(path="m.safetensors", size=7, hash=f"sha256:{SHA256}"),
)
HASHES = {
    "config.json": FileHash("config.json", "0" * 64, SHA1),
    "m.safetensors": FileHash("m.safetensors", SHA256),
}


def config(**changes: object) -> FoundFile:
    return FoundFile(**{**found("config.json", 3, f"git-sha1:{SHA1}"), **changes})  # type: ignore[arg-type]


def weights(**changes: object) -> FoundFile:
    return FoundFile(**{**found("m.safetensors", 7, f"sha256:{SHA256}"), **changes})  # type: ignore[arg-type]


def found(path: str, size: int, named: str) -> dict[str, object]:
    return {"path": path, "real": f"/blobs/{path}", "size": size, "named": named, "problem": ""}


def compared(
    *files: FoundFile, hashes: dict[str, FileHash] = HASHES, quick: bool = False
) -> list[tuple[str, str]]:
    contents = Contents(files, {} if quick else hashes, 2, 10)
    return [(each.path, each.kind) for each in differences(LOCKED, contents, quick=quick)]


def test_what_is_as_locked_has_no_difference() -> None:
    assert compared(config(), weights()) == []
    assert compared(config(), weights(), quick=True) == []


def test_every_kind_is_told_apart() -> None:
    assert compared(weights()) == [("config.json", "missing")]
    assert compared(config(), weights(size=6)) == [("m.safetensors", "truncated")]
    assert compared(config(), weights(size=8)) == [("m.safetensors", "too long")]
    assert compared(config(), weights(), FoundFile("more", "/more", 1, "", "")) == [
        ("more", "extra")
    ]
    broken = weights(size=0, problem="a link whose file is not there")
    assert compared(config(), broken) == [("m.safetensors", "missing")]
    denied = weights(size=0, problem="Permission denied")
    assert compared(config(), denied) == [("m.safetensors", "unreadable")]


def test_a_wrong_byte_is_found_by_either_kind_of_hash() -> None:
    wrong = {
        "config.json": FileHash("", "0" * 64, "c" * 40),
        "m.safetensors": FileHash("", "d" * 64),
    }
    assert compared(config(), weights(), hashes=wrong) == [
        ("config.json", "wrong"),
        ("m.safetensors", "wrong"),
    ]


def test_what_was_not_read_is_not_taken_for_right() -> None:
    assert compared(config(), weights(), hashes={}) == [
        ("config.json", "unreadable"),
        ("m.safetensors", "unreadable"),
    ]


def test_a_difference_says_what_and_where() -> None:
    contents = Contents((config(), weights(size=6)), HASHES, 2, 10)
    assert differences(LOCKED, contents, quick=False) == (
        Difference("m.safetensors", "truncated", "6 of 7 bytes", "/blobs/m.safetensors"),
    )


@pytest.mark.parametrize(
    ("named", "kinds", "size_only"),
    [
        ("", [], 1),
        (f"git-sha1:{SHA1}", [], 1),  # another kind of hash says nothing
        ("sha256:" + "d" * 64, [("m.safetensors", "wrong")], 0),
    ],
)
def test_a_quick_look_believes_the_hub(
    named: str, kinds: list[tuple[str, str]], size_only: int
) -> None:
    files = (config(), weights(named=named))
    assert compared(*files, quick=True) == kinds
    assert without_metadata(LOCKED, files) == size_only
