"""What a new lock says of the old one."""

from orchestrator.models.lock import lock_report
from orchestrator.models.lockfile import LockedFile, LockedModel
from orchestrator.models.screen import lock_screen
from orchestrator.recipes.recipe import load_recipe

RECIPE = load_recipe("awq-235b")


def model(commit: str, **files: str) -> LockedModel:
    return LockedModel(
        model=RECIPE.model,
        revision="main",
        commit=commit * 40,
        locked="",
        files=tuple(
            LockedFile(path=path, size=1, hash="sha256:" + digit * 64)
            for path, digit in files.items()
        ),
    )


def test_the_first_lock_has_nothing_to_compare_with() -> None:
    report = lock_report(RECIPE, None, model("a", x="1"), "models.lock")
    assert report.differs
    assert (report.added, report.removed, report.changed) == ((), (), ())


def test_the_same_again_is_no_difference() -> None:
    assert not lock_report(RECIPE, model("a", x="1"), model("a", x="1"), "models.lock").differs


def test_another_commit_names_what_came_went_and_changed() -> None:
    old, new = model("a", same="1", gone="2", other="3"), model("b", same="1", other="4", fresh="5")
    report = lock_report(RECIPE, old, new, "models.lock")
    assert (report.added, report.removed, report.changed) == (("fresh",), ("gone",), ("other",))
    assert str(lock_screen(report)).splitlines()[1:5] == [
        "  commit     aaaaaaaaaaaa -> bbbbbbbbbbbb",
        "  added      fresh",
        "  removed    gone",
        "  changed    other",
    ]
