"""models.lock beside the inventory: which commit of a model, and every file's size and hash."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cluster.errors import ConfigError, Problem
from cluster.inventory.config import ClusterConfig, has_inventory, load
from cluster.whole_file import write_whole
from orchestrator.recipes.recipe import Recipe


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def path_inside(path: str) -> str:
    """A path that stays below its folder: what a hub or a lock says must not lead elsewhere."""
    if not path or path.startswith("/") or "\0" in path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} leads out of the model's folder")
    return path


class LockedFile(Entry):
    """One file of a snapshot; size in bytes.

    `hash` is `sha256:<hex>`, or `git-sha1:<hex>` where the hub has only git's own id of a small
    file (SHA-1 over "blob <size>\\0" and the content).
    """

    path: Annotated[str, AfterValidator(path_inside)]
    size: int = Field(ge=0)
    hash: str = Field(pattern=r"^(sha256:[0-9a-f]{64}|git-sha1:[0-9a-f]{40})$")


class LockedModel(Entry):
    """A model at one commit; `commit` is empty for a folder that no hub knows."""

    model: str
    revision: str
    commit: str = Field(pattern=r"^([0-9a-f]{40})?$")
    locked: str
    files: tuple[LockedFile, ...]

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)


class ModelsLock(Entry):
    """The whole file, by the name and the revision that a recipe asks for."""

    version: Literal[1] = 1
    models: tuple[LockedModel, ...] = ()

    def find(self, recipe: Recipe) -> LockedModel | None:
        wanted = (recipe.model, recipe.revision)
        return next((each for each in self.models if (each.model, each.revision) == wanted), None)

    def with_model(self, model: LockedModel) -> "ModelsLock":
        """The lock with this entry in place of an older one."""
        others = [e for e in self.models if (e.model, e.revision) != (model.model, model.revision)]
        ordered = sorted([*others, model], key=lambda each: (each.model, each.revision))
        return ModelsLock(models=tuple(ordered))


def lock_path(config: ClusterConfig | None) -> Path:
    """Beside nodes.toml; in the working directory without one, as for the inventory `local`."""
    if config is None or config.is_local:
        return Path("models.lock")
    return Path(config.source).parent / "models.lock"


def read_lock(path: Path) -> ModelsLock:
    """Empty where there is no file yet. Raises ConfigError when it is damaged."""
    try:
        return ModelsLock(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return ModelsLock()
    except (OSError, ValueError, TypeError, RecursionError, ValidationError) as error:
        what = f"cannot be read: {str(error).splitlines()[0]}"
        hint = (
            "restore it from version control, or delete it and run orchestrate models lock RECIPE"
        )
        raise ConfigError(Problem(what, str(path), hint)) from None


def write_lock(path: Path, lock: ModelsLock) -> None:
    """Raises OrchestrateError where it cannot be written."""
    write_whole(path, json.dumps(lock.model_dump(mode="json"), indent=1) + "\n")


def at_locked_commit(recipe: Recipe, lock: ModelsLock) -> Recipe:
    """The recipe at the commit that the lock holds; unchanged where it holds none."""
    entry = lock.find(recipe)
    if entry is None or not entry.commit:
        return recipe
    return recipe.model_copy(update={"revision": entry.commit})


def lock_of(nodes: str | None) -> ModelsLock:
    """The lock beside the inventory; the one here where there is no inventory."""
    return read_lock(lock_path(load(nodes) if has_inventory(nodes) else None))
