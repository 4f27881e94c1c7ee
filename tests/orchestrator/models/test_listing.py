"""`models list`: every recipe, its place and its lock, without a host."""

import json
from pathlib import Path

import pytest

from orchestrator.models.listing import list_recipes
from orchestrator.models.lockfile import LockedFile, LockedModel, ModelsLock, write_lock
from orchestrator.models.screen import recipe_list
from orchestrator.recipes.recipe import load_recipe
from tests.support.golden_text import assert_golden
from tests.support.screen import screen_text
from tests.support.typed import exit_code, typed

MINE = 'description = "mine"\nmodel = "/models/mine"\nserved_name = "m"\n'
AWQ = load_recipe("awq-235b")
FILE = LockedFile(path="a.safetensors", size=116_300_000_000, hash="sha256:" + "a" * 64)
LOCK = ModelsLock().with_model(
    LockedModel(model=AWQ.model, revision="main", commit="c" * 40, locked="now", files=(FILE,))
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without an inventory, with two recipes of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCHESTRATE_NODES", raising=False)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/mine.toml").write_text(MINE)
    (tmp_path / "recipes/next-80b-fp8.toml").write_text(MINE)
    return tmp_path


def test_every_recipe_its_place_and_its_lock(here: Path) -> None:
    found, error = list_recipes(LOCK)
    assert error is None
    assert_golden("models-list", screen_text(recipe_list(found)))


def test_the_list_needs_neither_an_inventory_nor_a_host(here: Path) -> None:
    write_lock(here / "models.lock", LOCK)
    done = typed("models", "list", "--json")
    assert done.exit_code == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)["recipes"]}
    assert rows["awq-235b"]["commit"] == "c" * 40
    assert rows["next-80b-fp8"]["replaces_built_in"]
    assert rows["mine"]["bytes"] is None


def test_a_recipe_with_a_mistake_is_named_beside_the_others(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "recipes/bad.toml").write_text("port = 0")
    words = ["models", "list"]
    assert exit_code(*words) == 2
    printed = capsys.readouterr()
    assert "vl-235b-fp8" in printed.out
    assert "error: recipes/bad.toml, port: " in printed.err
