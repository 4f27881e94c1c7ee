"""`audit verify` of a bundle that somebody has changed, each in a way of their own."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.audit.sha256sums import SUMS_FILE, with_sums
from orchestrator.audit.verify import BundleCheck, verify_bundle
from tests.support.audit_facts import COMMIT, LOCKED, files, manifest, samples, server, written
from tests.support.typed import typed

Files = dict[str, bytes]


def failures(tmp_path: Path, content: Files) -> dict[str, str]:
    """What fails, by check and place."""
    check, _ = verify_bundle(written(tmp_path / "b.tar.gz", content))
    assert check.passed == all(each.state != "failure" for each in check.findings)
    return {f"{e.check} {e.where}": e.what for e in check.findings if e.state == "failure"}


def test_a_whole_bundle_passes(tmp_path: Path) -> None:
    check, contents = verify_bundle(written(tmp_path / "b.tar.gz"))
    assert check.passed
    assert {each.check: each.state for each in check.findings} == dict.fromkeys(
        ("list", "manifest", "lock", "hashes", "samples"), "pass"
    )
    assert (check.recipe, check.model, check.commit) == ("tiny", "org/m", COMMIT)
    assert contents
    assert contents.inventory
    assert [node.serves for node in contents.inventory.nodes] == [True, True]


# -- without a new list: the list finds it


def flipped(content: Files) -> None:
    content["added/x/note"] = b"hellp"


def grown(content: Files) -> None:
    content["added/x/more"] = b""


def shrunk(content: Files) -> None:
    del content["added/x/note"]


def edited(content: Files) -> None:
    content[SUMS_FILE] = re.sub(rb"[0-9a-f]{64}  added", b"0" * 64 + b"  added", content[SUMS_FILE])


def doubled(content: Files) -> None:
    content[SUMS_FILE] += content[SUMS_FILE].splitlines(keepends=True)[0]


def garbled(content: Files) -> None:
    content[SUMS_FILE] = content[SUMS_FILE].replace(b"  ", b" *")


def unlisted(content: Files) -> None:
    del content[SUMS_FILE]


@pytest.mark.parametrize(
    ("harm", "place", "message"),
    [
        (flipped, "list added/x/note", "does not match SHA256SUMS"),
        (grown, "list added/x/more", "it was added"),
        (shrunk, "list added/x/note", "it was removed"),
        (edited, "list added/x/note", "does not match SHA256SUMS"),
        (doubled, "list SHA256SUMS, line 9", "lists a file twice"),
        (garbled, "list SHA256SUMS, line 1", "is not a line of sha256sum"),
        (unlisted, "list SHA256SUMS", "is missing"),
    ],
)
def test_the_list_finds(
    tmp_path: Path, harm: Callable[[Files], None], place: str, message: str
) -> None:
    content = files()
    harm(content)
    assert message in failures(tmp_path, content)[place]


# -- with a new list: what contradicts itself is found


def relisted(**changes: bytes) -> Files:
    names = {"manifest": "manifest.json", "lock": "models.lock", "server": "server.json"}
    content = files()
    content.update({names.get(key, f"{key}.json"): value for key, value in changes.items()})
    return with_sums(content)


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_manifest_whose_seal_does_not_hold(tmp_path: Path) -> None:
    changed = as_bytes(manifest()).replace(b"d" * 64, b"e" * 64)
    found = failures(tmp_path, relisted(manifest=changed))
    assert "was changed after it was written" in found["content manifest.json"]


def test_a_manifest_of_another_commit(tmp_path: Path) -> None:
    found = failures(tmp_path, files(manifest=as_bytes(manifest(commit="f" * 40))))
    assert f"it is for commit {'f' * 40}, but {COMMIT} is served" in found["manifest manifest.json"]


def test_a_manifest_of_other_bytes_than_locked(tmp_path: Path) -> None:
    other = manifest({"a.safetensors": "9" * 64, "config.json": "d" * 64})
    found = failures(tmp_path, files(manifest=as_bytes(other)))
    assert "not as locked: a.safetensors" in found["hashes models.lock, manifest.json"]


def test_a_manifest_that_lacks_a_file_or_a_host(tmp_path: Path) -> None:
    found = failures(tmp_path, files(manifest=as_bytes(manifest({"config.json": "d" * 64}))))
    assert "a.safetensors" in found["hashes models.lock, manifest.json"]
    hosts = server().hosts
    more = server(hosts=(*hosts, type(hosts[0])(**{**vars(hosts[0]), "name": "h3"})))
    found = failures(tmp_path, files(server=more))
    assert "h3 serves the model, and its files were not hashed" in found["manifest manifest.json"]


def test_a_manifest_of_another_folder(tmp_path: Path) -> None:
    words = (*server().arguments[:2], "/elsewhere", *server().arguments[3:])
    found = failures(tmp_path, files(server=server(arguments=words)))
    assert "but /elsewhere is served" in found["manifest manifest.json"]


def test_a_lock_of_another_commit(tmp_path: Path) -> None:
    locked = LOCKED.model_copy(update={"commit": "f" * 40})
    found = failures(tmp_path, files(locked=locked))
    assert f"commit {'f' * 40} is locked, but {COMMIT} is served" in found["lock models.lock"]


def test_samples_of_another_commit(tmp_path: Path) -> None:
    other = samples([1]).replace(COMMIT.encode(), b"f" * 40)
    found = failures(tmp_path, files(others={"samples/s.jsonl": other}))
    assert "was sampled" in found["samples samples/s.jsonl"]


ONE, TWO = samples([1]), samples([1], [2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ONE.replace(b'"reference": true', b'"reference": false'), "not a reference session"),
        (ONE.replace(b'"kind": "unseen"', b'"kind": "others"'), "not a reference session"),
        (TWO.replace(b'"index": 0', b'"index": 5'), "chunk 5 where chunk 0 should be"),
        (ONE.replace(b"[1]", b'["x"]'), "line 3: damaged: token_ids.0"),
        (ONE.replace(b'"format": 1', b'"format": 2'), "format 2; this version knows format 1"),
        (b"", "is empty"),
    ],
)
def test_samples_that_prove_little(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path / "b.tar.gz", files(others={"samples/s.jsonl": content}))
    [found] = [each for each in verify_bundle(path)[0].findings if each.check == "samples"]
    assert found.state == "warning"
    assert message in found.what


def test_a_torn_last_line_is_not_read(tmp_path: Path) -> None:
    content = files(others={"samples/s.jsonl": samples([1, 2]) + b'{"record": "ch'})
    _, contents = verify_bundle(written(tmp_path / "b.tar.gz", content))
    assert contents
    assert contents.samples["samples/s.jsonl"].tokens == 2


@pytest.mark.parametrize("name", ["audit", "server", "nodes", "recipe", "lock", "manifest"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_part_that_makes_no_sense(tmp_path: Path, name: str, content: bytes) -> None:
    found = failures(tmp_path, relisted(**{name: content}))
    file = {"lock": "models.lock"}.get(name, f"{name}.json")
    assert f"content {file}" in found


def test_a_part_that_must_be_there(tmp_path: Path) -> None:
    content = files()
    del content["server.json"]
    found = failures(tmp_path, with_sums(content))
    assert "is missing: the bundle is not complete" in found["content server.json"]


def test_what_is_not_there_is_a_warning(tmp_path: Path) -> None:
    content = files(manifest=None, locked=None, others={"samples/s.jsonl": b"text\n"})
    check, _ = verify_bundle(written(tmp_path / "b.tar.gz", content))
    assert check.passed
    states = {each.check: each.state for each in check.findings}
    assert states == {
        "list": "pass",
        "manifest": "warning",
        "lock": "warning",
        "samples": "warning",
    }
    assert {"manifest", "lock"} <= {each.what for each in check.missing}


# -- as it is typed


def test_the_exit_code_and_the_screen(tmp_path: Path) -> None:
    good = written(tmp_path / "good.tar.gz")
    done = typed("audit", "verify", str(good))
    assert done.exit_code == 0
    assert "good.tar.gz: verified" in done.stdout
    assert "missing    values of HF_TOKEN: they are secret" in done.stdout
    content = files()
    flipped(content)
    bad = written(tmp_path / "bad.tar.gz", content)
    done = typed("audit", "verify", str(bad))
    assert done.exit_code == 1
    assert "bad.tar.gz: FAILED" in done.stdout
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(good.read_bytes()[:-40])
    done = typed("audit", "verify", str(cut), "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["findings"][0]["what"] == "truncated: it ends in the middle"


def test_what_a_bundle_says_is_no_command_to_the_terminal(tmp_path: Path) -> None:
    content = files(by="[/red]\x1b]0;gotcha\x07", others={"added/[bold]x[/nothing]": b""})
    content["added/[/dim]"] = b"extra"
    path = written(tmp_path / "odd.tar.gz", content)
    for words in ([str(path)], [str(path), str(path)]):
        done = typed("audit", "verify", *words)
        assert done.exit_code == 1, done.stderr
        assert "\x1b" not in done.stdout
        assert "[/red]" in done.stdout
        assert "added/[/dim]" in done.stdout


def test_the_hash_of_the_list_stands_for_all_content(tmp_path: Path) -> None:
    one: BundleCheck = verify_bundle(written(tmp_path / "one.tar.gz"))[0]
    content = files()
    flipped(content)
    other = verify_bundle(written(tmp_path / "two.tar.gz", with_sums(content)))[0]
    assert other.passed
    assert one.list_sha256 != other.list_sha256
