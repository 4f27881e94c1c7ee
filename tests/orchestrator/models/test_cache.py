"""Model files: found, complete, and the same on every host."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import HostsError, PreflightError
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from orchestrator.host import model_files
from orchestrator.models.cache import ModelFiles, find_model, prove_same, require_complete
from orchestrator.models.name import ModelName
from orchestrator.recipes.recipe import Recipe
from tests.support.factory import GIB, config_of, host_facts
from tests.support.scripted import Script

HUB = {"name": "m", "description": "d", "model": "org/m", "served_name": "m"}
RECIPE = Recipe.model_validate(HUB)
HOSTS = [host_facts(node) for node in config_of().node]
GUARDED = "cluster.host.guarded"
FILES = [["config.json", 10], ["m.safetensors", 2 * GIB]]


def answer(**changes: Any) -> dict[str, Any]:
    found = {"path": "/cache/m", "files": FILES, "config": {"a": 1}, "problem": "", **changes}
    return {"hangs": False, "code": 0, "out": json.dumps(found)}


def looked(*answers: dict[str, Any]) -> tuple[ModelFiles, ...]:
    by_host = dict(zip(("h1", "h2"), answers, strict=True))
    script = Script(answers={GUARDED: lambda node, request: by_host[node.name]})
    return find_model(script, RECIPE, HOSTS, SILENT, make_with=None)


def test_a_model_on_every_host() -> None:
    first, second = looked(answer(), answer())
    assert (first.weight_bytes, second.path, first.config) == (2 * GIB, "/cache/m", {"a": 1})


def test_what_is_missing_or_broken_is_named_for_every_host() -> None:
    found = looked(answer(problem="missing"), answer(problem="2 weight files are missing, as x"))
    with pytest.raises(PreflightError) as caught:
        require_complete(RECIPE, found)
    assert str(caught.value) == (
        "h1: model org/m is not in the cache: no folder /cache/m\n"
        "  hint: orchestrate models pull m\n"
        "h2: model org/m in /cache/m is not complete: 2 weight files are missing, as x\n"
        "  hint: orchestrate models pull m"
    )


def test_a_mount_that_hangs_is_named_with_its_source() -> None:
    hangs = {"hangs": True, "code": None, "out": ""}
    with pytest.raises(HostsError, match=r"hangs: no answer within 3 s.*/dev/sda1, ext4"):
        looked(answer(), hangs)


def test_a_cache_that_cannot_be_read_says_why() -> None:
    with pytest.raises(HostsError, match="cannot be used") as caught:
        looked(answer(), {"hangs": False, "code": 1, "out": "PermissionError: no"})
    assert "| PermissionError: no" in str(caught.value)


def nonce_script(seen: str | None) -> Script:
    """Hosts where the others read `seen`, or what was written for None."""
    written: dict[str, str] = {}

    def guarded(node: Node, request: Any) -> dict[str, Any]:
        text = request["request"]["text"]
        if text:
            written["text"] = text
        answered = text if text is not None else seen or written["text"]
        return {"hangs": False, "code": 0, "out": json.dumps({"text": answered})}

    return Script(answers={GUARDED: guarded})


def models(*sizes: int) -> list[ModelFiles]:
    return [
        ModelFiles(host, "/cache/m", (("m.safetensors", size),), {}, "")
        for host, size in zip(HOSTS, sizes, strict=False)
    ]


def proof(script: Script, *sizes: int) -> list[str]:
    return [f"{f.state}: {f.where}: {f.what}" for f in prove_same(script, models(*sizes))]


def test_how_the_hosts_come_to_the_same_files() -> None:
    assert proof(Script(), 1) == ["pass: hosts: one host"]
    assert proof(nonce_script(None), 1, 1) == ["pass: hosts: shared by all hosts"]
    assert proof(nonce_script("other"), 1, 1) == ["pass: hosts: equal copies on all hosts"]


def test_different_files_are_not_the_same_model() -> None:
    [found] = proof(nonce_script("other"), 1, 2)
    assert found.startswith("failure: h2: the model cache is not the one of h1")


def look_at(cache: Path, capsys: pytest.CaptureFixture[str], revision: str = "main") -> Any:
    folder = ModelName.of("org/m").folder
    asked = {"cache": str(cache), "folder": folder, "on_hub": True, "revision": revision}
    model_files.main(asked)
    return json.loads(capsys.readouterr().out)


def test_the_hub_cache_is_read_through_its_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "hub" / "models--org--m"
    snapshot = folder / "snapshots" / "abc"
    assert look_at(tmp_path, capsys)["problem"] == "missing"
    for name in ("blobs", "refs", "snapshots/abc"):
        (folder / name).mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc\n")
    (folder / "blobs" / "1").write_text('{"num_attention_heads": 8}')
    (snapshot / "config.json").symlink_to(folder / "blobs" / "1")
    assert look_at(tmp_path, capsys)["problem"] == "no weights"
    (snapshot / "m.safetensors").symlink_to(folder / "blobs" / "2")
    assert look_at(tmp_path, capsys)["problem"] == "links without their file: m.safetensors"
    (folder / "blobs" / "2").write_bytes(b"w" * 5)
    found = look_at(tmp_path, capsys)
    assert (found["path"], found["problem"]) == (str(snapshot), "")
    assert ["m.safetensors", 5] in [each[:2] for each in found["files"]]
    assert found["config"] == {"num_attention_heads": 8}
    assert look_at(tmp_path, capsys, revision="abc")["problem"] == ""
    index = {"weight_map": {"a": "m.safetensors", "b": "m-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    problem = look_at(tmp_path, capsys)["problem"]
    assert problem == "1 weight files are missing, as m-2.safetensors"
