"""What one host says never becomes a path on another that it should not."""

import json
from typing import Any

import pytest

from cluster.errors import PreflightError
from orchestrator.host import layout
from orchestrator.host.safe_names import is_blob, is_commit, is_safe_path
from orchestrator.models.cache import ModelFiles
from orchestrator.models.lockfile import LockedFile, LockedModel
from orchestrator.models.sync.plan import Listed, contents_of
from orchestrator.models.sync.sync import commit_in, what_to_copy
from orchestrator.recipes.recipe import load_recipe
from tests.support.factory import config_of, host_facts
from tests.support.scripted import Script

COMMIT, OTHER = "c" * 40, "d" * 40
RECIPE = load_recipe("awq-235b")
HOST = host_facts(config_of().head)
EVIL = (
    *("../../../../root/.ssh/authorized_keys", "/root/.ssh/authorized_keys", "a/../../b", ".."),
    *("", ".", "a//b", "a/./b", "a\0b", "x" * 5000),
)


def files(path: str) -> ModelFiles:
    return ModelFiles(HOST, path, (), {}, "")


@pytest.mark.parametrize("path", EVIL)
def test_a_file_leaves_no_folder(path: str) -> None:
    assert not is_safe_path(path)
    with pytest.raises(PreflightError, match="the model has a file with an unsafe name"):
        contents_of([Listed(path, 1, "", 0)], None)


@pytest.mark.parametrize("blob", ["../x", "a/b", ".hidden", "a\0", "x" * 300, 7, None])
def test_a_blob_is_one_name(blob: Any) -> None:
    assert not is_blob(blob)


def test_the_commit_is_the_locks_and_a_commit() -> None:
    entry = LockedModel(
        model=RECIPE.model,
        revision="main",
        commit=COMMIT,
        locked="2026-11-25",
        files=(LockedFile(path="a", size=1, hash="sha256:" + "a" * 64),),
    )
    assert commit_in(files(f"/c/snapshots/{COMMIT}"), entry) == COMMIT
    for path in ("/c/snapshots/..", f"/c/snapshots/{OTHER}", "/c/snapshots/x"):
        with pytest.raises(PreflightError, match="its snapshot is called"):
            commit_in(files(path), entry)
    with pytest.raises(PreflightError, match="no commit of the hub"):
        commit_in(files("/c/snapshots/.ssh"), None)


def test_of_all_refs_that_a_host_names_only_the_one_asked_for_travels() -> None:
    refs = {"main": COMMIT, "../../../.ssh/authorized_keys": COMMIT, "v1": COMMIT}
    answer = {"hangs": False, "code": 0, "out": json.dumps({"files": [], "refs": refs})}
    script = Script(answers={"cluster.host.guarded": lambda node, request: answer})
    _, request = what_to_copy(script, RECIPE, files(f"/c/snapshots/{COMMIT}"), None)
    assert request["refs"] == {"main": COMMIT}


@pytest.mark.parametrize(
    "changes",
    [
        {"refs": {"../../x": COMMIT}},
        {"refs": {"main": "ssh-ed25519 AAAA"}},
        {"commit": "../../.."},
        {"files": [{"paths": ["../x"], "size": 1, "hash": "", "blob": "", "key": "k"}]},
        {"files": [{"paths": ["x"], "size": 1, "hash": "", "blob": "../x", "key": "k"}]},
    ],
)
def test_the_receiver_looks_for_itself(changes: dict[str, Any]) -> None:
    plain = {"cache": "/c", "folder": "hub/m", "on_hub": True, "files": [], "refs": {}}
    layout.Goal({**plain, "commit": COMMIT, "run": "r"})
    with pytest.raises(OSError, match="no name that may become a path"):
        layout.Goal({**plain, "commit": COMMIT, **changes})


def test_commits() -> None:
    assert is_commit(COMMIT)
    assert not any(is_commit(each) for each in ("", "C" * 40, "c" * 41, 7, None, "main"))
