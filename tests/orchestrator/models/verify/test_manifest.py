"""The manifest: sealed, checked by others without us, and a lock of its own."""

import json
from pathlib import Path

import pytest

from cluster.errors import ConfigError, OrchestrateError
from orchestrator.models.lockfile import LockedFile, LockedModel
from orchestrator.models.verify.manifest import (
    Manifest,
    lock_from_manifest,
    manifest_of,
    read_manifest,
    request_from_manifest,
    seal,
    sum_line,
    write_manifest,
)
from orchestrator.models.verify.verify import HostVerify, VerifyReport
from orchestrator.recipes.recipe import load_recipe

RECIPE = load_recipe("awq-235b")
COMMIT = "c" * 40
SHA256 = {"a.safetensors": "a" * 64, "config.json": "d" * 64}
LOCKED = LockedModel(
    model=RECIPE.model,
    revision="main",
    commit=COMMIT,
    locked="2026-11-20T08:00:00Z",
    files=(
        LockedFile(path="config.json", size=2, hash="git-sha1:" + "b" * 40),
        LockedFile(path="a.safetensors", size=7, hash="sha256:" + "a" * 64),
    ),
)


def report(*others: dict[str, str]) -> VerifyReport:
    hosts = tuple(
        HostVerify(
            f"h{number}", "same", "/m", "ext4 from /dev/sda", read_bytes=9, sha256=dict(sums)
        )
        for number, sums in enumerate((SHA256, *others), start=1)
    )
    return VerifyReport("awq-235b", RECIPE.model, COMMIT, 2, 9, False, hosts, (), 1.0)


def made(*others: dict[str, str]) -> Manifest:
    return manifest_of(report(*others), LOCKED, "2026-11-21T12:00:00+00:00", "ada@desk")


def test_it_names_every_file_by_its_sha256_and_every_host() -> None:
    manifest = made(SHA256)
    assert [(each.path, each.sha256) for each in manifest.files] == sorted(SHA256.items())
    assert [host.name for host in manifest.hosts] == ["h1", "h2"]
    assert (manifest.commit, manifest.by) == (COMMIT, "ada@desk")


def test_the_seal_is_what_the_page_says_it_is() -> None:
    manifest = made()
    body = manifest.model_dump(mode="json", exclude={"body_sha256"})
    assert manifest.body_sha256 == seal(json.loads(json.dumps(body)))


def test_hosts_that_pass_a_sha1_with_other_bytes_are_found_out() -> None:
    with pytest.raises(OrchestrateError, match="h2: the files have the locked SHA-1"):
        made({**SHA256, "config.json": "e" * 64})


def test_what_is_written_is_read_again_and_is_a_lock(tmp_path: Path) -> None:
    file, sums = write_manifest(made(), tmp_path / "kept" / "m.json")
    assert sums.read_text() == f"{'a' * 64}  a.safetensors\n{'d' * 64}  config.json\n"
    entry = lock_from_manifest(read_manifest(file, "awq-235b"))
    assert {each.path: each.hash for each in entry.files} == {
        path: f"sha256:{sum_}" for path, sum_ in SHA256.items()
    }
    assert request_from_manifest(file, RECIPE).recipe.revision == COMMIT


def test_a_sealed_file_that_lacks_a_part_is_no_manifest(tmp_path: Path) -> None:
    """Before, it ended in a traceback."""
    body = made().model_dump(mode="json", exclude={"body_sha256", "files"})
    file = tmp_path / "m.json"
    file.write_text(json.dumps({**body, "body_sha256": seal(body)}))
    with pytest.raises(ConfigError, match=r"is no manifest: .*files: Field required"):
        read_manifest(file, "awq-235b")


def test_a_changed_byte_breaks_the_seal(tmp_path: Path) -> None:
    file, _ = write_manifest(made(), tmp_path / "m.json")
    file.write_text(file.read_text().replace("d" * 64, "e" * 64))
    with pytest.raises(ConfigError, match=r"m\.json: was changed after it was written"):
        read_manifest(file, "awq-235b")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"body_sha256": "x"}', "null"])
def test_what_is_no_manifest_is_said_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "m.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="is no manifest"):
        read_manifest(file, "awq-235b")


def test_another_recipes_manifest_is_refused(tmp_path: Path) -> None:
    file, _ = write_manifest(made(), tmp_path / "m.json")
    with pytest.raises(ConfigError, match="is of recipe awq-235b"):
        read_manifest(file, "tiny")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OrchestrateError, match="cannot be written"):
        write_manifest(made(), tmp_path / "file" / "m.json")


def test_odd_names_are_written_as_sha256sum_writes_them() -> None:
    assert sum_line("a" * 64, "x y") == f"{'a' * 64}  x y\n"
    assert sum_line("a" * 64, "x\ny\\z") == f"\\{'a' * 64}  x\\ny\\\\z\n"
