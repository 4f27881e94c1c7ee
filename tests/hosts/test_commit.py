"""Of two snapshots in the cache of the hub, `serve` takes the locked one, or the one asked for."""

from pathlib import Path

import pytest

from orchestrator.models.lockfile import LockedModel, ModelsLock, write_lock
from tests.hosts.lab import Lab
from tests.hosts.stand_in import make_model

pytestmark = pytest.mark.hosts

LOCKED, NEWER = "a" * 40, "b" * 40
RECIPE = """\
description = "mine"
model = "who/what"
served_name = "mine"
port = 8300
"""


@pytest.fixture
def recipe(lab: Lab) -> str:
    """A file of the user's; the hub's `main` has moved on since its model was locked."""
    lab.use(nodes={"h1": {"gpus": 0}, "h2": {"gpus": 0}})
    folder = lab.share / "cache/hub/models--who--what"
    for commit in (LOCKED, NEWER):
        make_model(folder / "snapshots" / commit)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs/main").write_text(NEWER)
    entry = {"model": "who/what", "revision": "main", "commit": LOCKED, "locked": "now"}
    locked = LockedModel.model_validate({**entry, "files": ()})
    beside = Path(lab.env["ORCHESTRATE_NODES"]).parent
    write_lock(beside / "models.lock", ModelsLock().with_model(locked))
    (beside / "mine.toml").write_text(RECIPE)
    return str(beside / "mine.toml")


def test_the_locked_commit_is_served_and_shown(lab: Lab, recipe: str) -> None:
    assert f"  commit     {LOCKED} (models.lock)\n" in lab.ok("serve", "--recipe", recipe)
    [server] = [line for line in lab.marked()["h1"] if "vllm serve" in line]
    assert f"snapshots/{LOCKED} " in server
    assert f"commit {LOCKED[:12]}" in lab.ok("status")
    shown = lab.ok("models", "show", "--recipe", recipe)
    assert f"snapshots/{LOCKED} " in shown
    assert "models.lock  main (recipe)" in shown


def test_the_command_line_wins_and_says_so(lab: Lab, recipe: str) -> None:
    done = lab.run("serve", "--recipe", recipe, "--set", f"revision={NEWER}")
    assert f"--set revision={NEWER} wins: models.lock holds {LOCKED[:12]} for main" in done.stderr
    assert f"{NEWER} (not pinned: orchestrate models lock mine)" in done.stdout


def test_a_locked_commit_that_no_host_has(lab: Lab, recipe: str) -> None:
    gone = lab.share / f"cache/hub/models--who--what/snapshots/{LOCKED}"
    gone.rename(gone.with_name("away"))
    said = lab.fails("serve", "--recipe", recipe)
    gone.with_name("away").rename(gone)
    assert f"model who/what is not in the cache: no folder {gone}" in said
    assert "hint: orchestrate models pull" in said
