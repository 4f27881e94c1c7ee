"""Which commit of a model is served: the lock's, unless the command line names another."""

from pathlib import PurePosixPath

from cluster.errors import Problem, UsageError
from orchestrator.host.safe_names import is_commit
from orchestrator.models.lockfile import ModelsLock, at_locked_commit
from orchestrator.recipes.recipe import Recipe


def at_commit(
    base: Recipe, asked: Recipe, lock: ModelsLock, *, needs_lock: bool = True
) -> tuple[Recipe, str]:
    """(what was asked for, at the lock's commit; a note). `base` is the recipe without the command
    line.

    A revision from the command line wins over the lock, and the note says so. Raises UsageError
    when the recipe is served at one commit only and none is known; without `needs_lock` it never
    does.
    """
    note = ""
    held = lock.find(base.model_copy(update={"model": asked.model}))
    found = at_locked_commit(asked, lock)
    if asked.revision != base.revision and held and held.commit not in ("", found.revision):
        note = (
            f"--set revision={asked.revision} wins: models.lock holds {held.commit[:12]} "
            f"for {base.revision}"
        )
    known = is_commit(found.revision) or lock.find(asked)
    if needs_lock and asked.needs_lock and not known:
        raise UsageError(
            Problem(
                f"{asked.name} is served at one commit only, and nothing says which one "
                f"`{asked.revision}` is",
                "models.lock",
                f"orchestrate models lock {asked.words}, or --set revision=COMMIT",
            )
        )
    return found, note


def commit_of(path: str) -> str:
    """The commit whose snapshot lies in this folder of the hub's cache; empty for other folders."""
    folder = PurePosixPath(path)
    is_snapshot = folder.parent.name == "snapshots" and is_commit(folder.name)
    return folder.name if is_snapshot else ""
