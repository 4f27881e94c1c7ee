"""The source, the order, the files, and who shares what."""

import pytest

from cluster.errors import PreflightError, UsageError
from orchestrator.models.cache import ModelFiles
from orchestrator.models.lockfile import LockedFile, LockedModel
from orchestrator.models.sync.plan import (
    Listed,
    Receiver,
    choose_source,
    contents_of,
    in_chain_order,
    shared_with,
    space_problems,
    verified_against,
)
from orchestrator.recipes.recipe import load_recipe
from tests.support.factory import GIB, config_of, host_facts

RECIPE = load_recipe("awq-235b")
SHA, GIT = "a" * 64, "b" * 40
HOSTS = [host_facts(node) for node in config_of().node]
LOCKED = LockedModel(
    model=RECIPE.model,
    revision="main",
    commit="c" * 40,
    locked="2026-11-21",
    files=(LockedFile(path="w", size=5, hash=f"sha256:{SHA}"),),
)


def entry(path: str, blob: str = "", mtime_ns: int = 1) -> Listed:
    return Listed(path, 5, blob, mtime_ns)


def test_a_blob_travels_once_and_its_name_is_its_hash() -> None:
    files = contents_of([entry("a", SHA), entry("b", SHA), entry("c", GIT), entry("d")], None)
    assert [(f.paths, f.hash, f.blob) for f in files] == [
        (("a", "b"), f"sha256:{SHA}", SHA),
        (("c",), f"git-sha1:{GIT}", GIT),
        (("d",), "", ""),
    ]
    assert verified_against(None, files, "h1") == "the files of h1 itself; no models.lock entry"
    assert "hub gave the blobs" in verified_against(None, files[:2], "h1")


def test_a_lock_entry_says_which_files_and_which_hashes() -> None:
    (file,) = contents_of([entry("w", "odd"), entry("extra", GIT)], LOCKED)
    assert (file.paths, file.hash, file.blob) == (("w",), f"sha256:{SHA}", "odd")
    assert verified_against(LOCKED, [file], "h1") == "models.lock of 2026-11-21"


def test_what_another_file_left_is_not_taken_for_a_part_of_this_one() -> None:
    (old,) = contents_of([entry("d")], None)
    (new,) = contents_of([entry("d", mtime_ns=2)], None)
    assert old.key != new.key


@pytest.mark.parametrize(("path", "blob"), [("../x", ""), ("/x", ""), ("x", "../y"), ("x", "..")])
def test_no_name_leads_out_of_the_folder(path: str, blob: str) -> None:
    with pytest.raises(PreflightError, match="a file with an unsafe name"):
        contents_of([entry(path, blob)], None)


def test_the_chain_follows_the_inventory_around() -> None:
    assert in_chain_order(["h1", "h2", "h3", "h4"], "h2") == ["h3", "h4", "h1"]


def test_hosts_that_see_the_marks_of_others_need_no_copy() -> None:
    seen = {"h2": ["h2", "h1"], "h3": ["h3"], "h4": ["h3", "h4"]}
    assert shared_with(["h2", "h3", "h4"], seen, "h1") == {"h2": "h1", "h4": "h3"}


def models(*sizes: int, problem: str = "") -> list[ModelFiles]:
    return [
        ModelFiles(host, "/m", (("w", size),), {}, problem)
        for host, size in zip(HOSTS, sizes, strict=False)
    ]


def test_the_source_is_the_first_that_has_all_of_the_lock() -> None:
    assert choose_source(RECIPE, models(4, 5), LOCKED, None).host.node.name == "h2"
    assert choose_source(RECIPE, models(4, 5), None, None).host.node.name == "h1"
    with pytest.raises(PreflightError, match=r"h1: .*w has 4 bytes instead of 5") as caught:
        choose_source(RECIPE, models(4, 5), LOCKED, "h1")
    assert "orchestrate models pull awq-235b" in str(caught.value)
    with pytest.raises(PreflightError, match="no folder /m"):
        choose_source(RECIPE, models(5, problem="missing"), None, None)
    with pytest.raises(UsageError, match="no host `h9`"):
        choose_source(RECIPE, models(5), None, "h9")


def test_a_disk_that_is_too_small_is_named() -> None:
    tight = Receiver("h2", "a", 1, "t", missing=GIB, free=GIB)
    roomy = Receiver("h3", "a", 1, "t", missing=GIB, free=2 * GIB)
    done = Receiver("h4", "a", 1, "t", missing=0, free=0)
    (problem,) = space_problems([tight, roomy, done])
    assert "h2: the disk of the model cache is too small" in str(problem)
