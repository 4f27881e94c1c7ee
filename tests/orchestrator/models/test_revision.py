"""One commit, everywhere: the lock's; the command line may name another, and that is said."""

import pytest

from cluster.errors import UsageError
from orchestrator.models.lockfile import LockedModel, ModelsLock
from orchestrator.models.revision import at_commit, commit_of
from orchestrator.recipes.layers import recipe_on
from orchestrator.recipes.recipe import Recipe, load_recipe

COMMIT, OTHER = "c" * 40, "d" * 40
AWQ, REFERENCE = load_recipe("awq-235b"), load_recipe("reference-235b")


def lock_of(recipe: Recipe, commit: str = COMMIT) -> ModelsLock:
    plain = {"locked": "2026-11-21T12:00:00Z", "files": ()}
    entry = {"model": recipe.model, "revision": recipe.revision, "commit": commit}
    return ModelsLock().with_model(LockedModel.model_validate({**plain, **entry}))


def revision(base: Recipe, lock: ModelsLock, **settings: str) -> tuple[str, list[str]]:
    found, note = at_commit(base, recipe_on(base, None, settings), lock)
    return found.revision, [note] if note else []


def test_the_lock_says_which_commit() -> None:
    assert revision(AWQ, lock_of(AWQ)) == (COMMIT, [])
    assert revision(AWQ, ModelsLock()) == ("main", [])
    assert revision(AWQ, lock_of(REFERENCE)) == ("main", [])


def test_the_command_line_wins_over_the_lock_and_says_so() -> None:
    line = f"--set revision={OTHER} wins: models.lock holds cccccccccccc for main"
    assert revision(AWQ, lock_of(AWQ), revision=OTHER) == (OTHER, [line])
    assert revision(AWQ, lock_of(AWQ), revision=COMMIT) == (COMMIT, [])
    assert revision(AWQ, lock_of(AWQ), model="other/model") == ("main", [])


def test_a_recipe_for_audit_is_served_at_one_commit_only() -> None:
    with pytest.raises(UsageError) as caught:
        revision(REFERENCE, ModelsLock())
    assert "orchestrate models lock reference-235b, or --set revision=COMMIT" in str(caught.value)
    assert revision(REFERENCE, lock_of(REFERENCE)) == (COMMIT, [])
    assert revision(REFERENCE, ModelsLock(), revision=OTHER) == (OTHER, [])
    assert revision(REFERENCE, lock_of(REFERENCE, "")) == ("main", []), "a folder, hashed"


@pytest.mark.parametrize(
    ("path", "commit"),
    [
        (f"/cache/hub/models--a--b/snapshots/{COMMIT}", COMMIT),
        ("/cache/hub/models--a--b/snapshots/main", ""),
        (f"/models/{COMMIT}", ""),
        ("/cache/orchestrate/tiny", ""),
    ],
)
def test_the_commit_is_read_from_the_snapshots_folder(path: str, commit: str) -> None:
    assert commit_of(path) == commit
