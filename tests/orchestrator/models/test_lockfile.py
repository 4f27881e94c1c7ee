"""models.lock: what is written is read again; a damaged file is an error that says what to do."""

from pathlib import Path

import pytest

from cluster.errors import ConfigError
from orchestrator.models.lockfile import (
    LockedFile,
    LockedModel,
    ModelsLock,
    at_locked_commit,
    read_lock,
    write_lock,
)
from orchestrator.recipes.recipe import load_recipe

RECIPE = load_recipe("awq-235b")
COMMIT = "c" * 40
ENTRY = LockedModel(
    model=RECIPE.model,
    revision=RECIPE.revision,
    commit=COMMIT,
    locked="2026-11-21T12:00:00Z",
    files=(LockedFile(path="config.json", size=2, hash="git-sha1:" + "a" * 40),),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "models.lock"
    assert read_lock(path) == ModelsLock()
    lock = ModelsLock().with_model(ENTRY)
    write_lock(path, lock)
    assert read_lock(path) == lock
    assert [each.name for each in tmp_path.iterdir()] == ["models.lock"]


def test_a_new_entry_takes_the_place_of_the_old_one() -> None:
    newer = ENTRY.model_copy(update={"commit": "d" * 40})
    assert ModelsLock().with_model(ENTRY).with_model(newer).models == (newer,)


def test_a_recipe_is_pinned_to_the_locked_commit() -> None:
    assert at_locked_commit(RECIPE, ModelsLock().with_model(ENTRY)).revision == COMMIT
    assert at_locked_commit(RECIPE, ModelsLock()) == RECIPE


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"models": [{"model": "x"}]}'])
def test_a_damaged_lock_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.lock"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"models\.lock"):
        read_lock(path)
