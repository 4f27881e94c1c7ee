"""The verb verify: what its hosts say becomes rows, and the next thing to type."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import HostError, Unreachable, UsageError
from cluster.inventory.node import Node
from cluster.units import how_far
from orchestrator.models.lockfile import LockedFile, LockedModel, ModelsLock, write_lock
from orchestrator.models.verify.differences import Difference, Kind
from orchestrator.models.verify.hashing import (
    HASH_SILENCE_S,
    Progress,
    hash_program,
    read_contents,
)
from orchestrator.models.verify.progress import ProgressLine
from orchestrator.models.verify.screen import next_step, verify_screen
from orchestrator.models.verify.verify import (
    HostVerify,
    VerifyReport,
    from_lock,
    nodes_to_verify,
    plan_of,
)
from orchestrator.recipes.recipe import load_recipe
from tests.support.factory import config_of
from tests.support.golden_text import assert_golden
from tests.support.reporter import Recorder
from tests.support.screen import screen_text
from tests.support.scripted import Talk

RECIPE = load_recipe("awq-235b")
COMMIT = "0123456789abcdef" + "0" * 24
NODE: Node = config_of().node[0]
GB = 10**9


def row(name: str, *kinds: Kind, **changes: Any) -> HostVerify:
    found = tuple(
        Difference(f"m{i}.safetensors", k, "3 of 7 bytes", f"/blobs/{i}")
        for i, k in enumerate(kinds)
    )
    plain: dict[str, Any] = {
        "state": "differs" if kinds else "same",
        "path": "/cache/m",
        "mounted": "ext4 from /dev/nvme0n1p2",
        "differences": found,
        "read_bytes": 116 * GB,
        "seconds": 40.0,
        "cores": 20,
    }
    return HostVerify(name, **{**plain, **changes})


def lost(name: str, what: str) -> HostVerify:
    return HostVerify(name, "failed", problem=what)


def report(*hosts: HostVerify, quick: bool = False) -> VerifyReport:
    return VerifyReport("m", "org/m", COMMIT, 25, 116 * GB, quick, hosts, (), 41.0)


def shown(done: VerifyReport) -> str:
    return screen_text(verify_screen(done))


def test_what_people_read() -> None:
    quick = report(row("h1", read_bytes=0, seconds=0.2, size_only=3), quick=True)
    missing: list[Kind] = ["missing"] * 25
    many = row("h2", "truncated", *missing)
    texts = [shown(report(row("h1"), many, lost("h3", "10.0.0.3:22 does not answer")))]
    assert_golden("report-verify", "\n--\n".join([*texts, shown(quick)]))


@pytest.mark.parametrize(
    ("hosts", "hint"),
    [
        ((row("h1"),), ""),
        ((row("h1", "wrong"),), "remove the wrong files, then orchestrate models pull m"),
        ((row("h1", "wrong"), row("h2")), "orchestrate models sync m --from h2"),
        ((row("h1", "extra"), row("h2")), "remove the files that are too many"),
        ((row("h1"), lost("h2", "does not answer")), "orchestrate status"),
        ((row("h1"), lost("h2", "model m is not here: no folder /m")), "sync m --from h1"),
        ((lost("h1", "model m is not here: no folder /m"),), "orchestrate models pull m"),
    ],
)
def test_what_to_type_next(hosts: tuple[HostVerify, ...], hint: str) -> None:
    found = next_step(report(*hosts))
    assert hint in found
    assert bool(hint) == bool(found)


def test_what_no_hub_knows_is_not_pulled_again() -> None:
    folder = replace(report(row("h1", "wrong")), commit="")
    assert next_step(folder) == (
        "remove the wrong files, then copy it to one host again, then orchestrate models sync m"
    )


def test_one_mount_read_by_all_is_pointed_out() -> None:
    nfs = "nfs4 from server:/models"
    assert "--host h1 reads it once" in next_step(
        report(row("h1", mounted=nfs), row("h2", mounted=nfs))
    )
    assert next_step(report(row("h1", mounted=nfs), row("h2", mounted="nfs4 from b:/x"))) == ""
    assert next_step(report(row("h1"), row("h2"))) == ""


def test_fewer_files_than_cores_are_pointed_out() -> None:
    few = plan_of(Progress(0, 12 * GB, 3, 20))
    assert few.startswith("hashing 3 files, 12.0 GB, on 20 cores (17 stay idle")
    assert plan_of(Progress(0, 12 * GB, 20, 20)).endswith("on 20 cores")


def test_progress_of_all_hosts_is_one_line() -> None:
    clock = iter((0.0, 0.0, 2.0, 4.0, 5.0))
    told: list[str] = []
    line = ProgressLine(Recorder(told), lambda: next(clock))
    line.begin("h1")
    line.begin("h2")
    line.note("h1", Progress(2 * GB, 10 * GB, 3, 20))
    line.note("h2", Progress(4 * GB, 8 * GB, 3, 20))
    line.end("h1")
    line.note("h2", Progress(5 * GB, 8 * GB, 3, 20))
    assert told == [
        "h1 2.0 of 10.0 GB, 1.00 GB/s, 8 s left",
        "h1 2.0 of 10.0 GB, 1.00 GB/s, 8 s left; h2 4.0 of 8.0 GB, 1.00 GB/s, 4 s left",
        "h2 5.0 of 8.0 GB, 1.00 GB/s, 3 s left",
    ]
    assert how_far(0, GB, 1.0) == "0.0 of 1.0 GB"


FOUND = {"found": [], "cores": 2, "hashing": 0, "bytes": 0}
FILE = {"path": "a\udcff", "real": "/a", "size": 1, "named": "", "problem": ""}


def read(*said: Any, ends: bool = True) -> Any:
    talk = Talk(NODE, hash_program("/m", None), [json.dumps(each) for each in said], ends)
    return read_contents(NODE, talk, lambda progress: None)


def test_names_that_are_not_utf_8_can_be_printed() -> None:
    found = read({**FOUND, "found": [FILE]}, {"end": True}).found
    assert [each.path for each in found] == ["a?"]


def test_a_program_that_stops_talking_is_an_error() -> None:
    with pytest.raises(Unreachable, match="broke while its files were hashed"):
        read({**FOUND, "found": [FILE]}, {"bytes": 1})
    with pytest.raises(HostError, match="gave no answer"):
        read()
    silence = {"silent": HASH_SILENCE_S, "files": ["a", "b"]}
    with pytest.raises(HostError, match="h1: nothing was read for 30 s of a, b"):
        read(FOUND, silence)


def test_a_hosts_silence_has_a_limit_of_ours_too() -> None:
    class Silent(Talk):
        def lines(self, timeout_s: float) -> Any:
            raise TimeoutError

    with pytest.raises(HostError, match="nothing was read for 30 s"):
        read_contents(NODE, Silent(NODE, hash_program("/m", None), []), lambda progress: None)


def test_the_lock_says_which_commit_and_which_files(tmp_path: Path) -> None:
    config = config_of().model_copy(update={"source": str(tmp_path / "nodes.toml")})
    with pytest.raises(UsageError, match="orchestrate models lock awq-235b"):
        from_lock(config, RECIPE)
    file = LockedFile(path="config.json", size=2, hash="git-sha1:" + "a" * 40)
    entry = LockedModel(
        model=RECIPE.model, revision="main", commit=COMMIT, locked="now", files=(file,)
    )
    write_lock(tmp_path / "models.lock", ModelsLock(models=(entry,)))
    wanted = from_lock(config, RECIPE)
    assert (wanted.recipe.revision, wanted.locked) == (COMMIT, entry)


def test_a_host_by_name() -> None:
    config = config_of()
    assert [node.name for node in nodes_to_verify(config, None)] == ["h1", "h2"]
    assert [node.name for node in nodes_to_verify(config, "h2")] == ["h2"]
    with pytest.raises(UsageError, match="no host `h3`"):
        nodes_to_verify(config, "h3")
