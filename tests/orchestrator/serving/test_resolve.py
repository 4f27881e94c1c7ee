"""One road from what was asked for to the recipe: serve, plan and show see the same commit."""

import pytest

from cluster.errors import UsageError
from cluster.reporter import SILENT
from orchestrator.capacity.hardware import hosts_of
from orchestrator.models.lockfile import LockedFile, LockedModel, ModelsLock
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.recipe import load_recipe
from orchestrator.serving.plan import recipe_for
from orchestrator.serving.resolve import ServeRequest, resolve
from tests.support.reporter import Recorder

COMMIT, OTHER = "a" * 40, "b" * 40
AWQ, REFERENCE = load_recipe("awq-235b"), load_recipe("reference-235b")
FILE = LockedFile(path="a.safetensors", size=7, hash="sha256:" + "a" * 64)


def lock_of(model: str) -> ModelsLock:
    return ModelsLock().with_model(
        LockedModel(model=model, revision="main", commit=COMMIT, locked="2026-11-25", files=(FILE,))
    )


def test_the_lock_says_the_commit_and_where_it_comes_from() -> None:
    found = resolve(ServeRequest(AWQ), lock_of(AWQ.model), "gb10")
    assert (found.recipe.revision, found.hardware, found.note) == (COMMIT, "gb10", "")
    assert found.layers.fields[-1] == ("models.lock", {"revision": COMMIT})


def test_plan_for_hardware_that_need_not_exist_reads_the_lock_too() -> None:
    hosts = hosts_of("gb10x2", load_hardware())
    assert recipe_for(ServeRequest(AWQ), lock_of(AWQ.model), hosts, SILENT).revision == COMMIT
    assert recipe_for(ServeRequest(AWQ), ModelsLock(), hosts, SILENT).revision == "main"


def test_plan_too_says_that_the_command_line_wins() -> None:
    heard, asked = Recorder(), ServeRequest(AWQ, {"revision": OTHER})
    hosts = hosts_of("gb10x2", load_hardware())
    assert recipe_for(asked, lock_of(AWQ.model), hosts, heard).revision == OTHER
    assert heard.lines == [f"--set revision={OTHER} wins: models.lock holds {COMMIT[:12]} for main"]


def test_the_command_line_wins_and_it_is_said() -> None:
    found = resolve(ServeRequest(AWQ, {"revision": OTHER}), lock_of(AWQ.model), None)
    assert found.recipe.revision == OTHER
    assert found.note.startswith(f"--set revision={OTHER} wins: models.lock holds {COMMIT[:12]}")


def test_a_launch_needs_the_lock_that_plan_and_show_do_not() -> None:
    with pytest.raises(UsageError, match="orchestrate models lock reference-235b"):
        resolve(ServeRequest(REFERENCE), ModelsLock(), None)
    found = resolve(ServeRequest(REFERENCE), ModelsLock(), None, needs_lock=False)
    assert found.recipe == REFERENCE
