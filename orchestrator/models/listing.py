"""The verb `models list`: every recipe there is, from its file and models.lock alone."""

from dataclasses import dataclass

from cluster.errors import ConfigError, Problem, UsageError
from orchestrator.models.lockfile import ModelsLock
from orchestrator.recipes.recipe import FOLDER, Recipe, read_recipe, recipe_files


@dataclass(frozen=True)
class RecipeRow:
    """One recipe. `bytes` are those of the locked files, None where nothing is locked."""

    name: str
    description: str
    model: str
    hardware: tuple[str, ...]
    source: str
    replaces_built_in: bool
    locked: bool
    commit: str
    bytes: int | None


@dataclass(frozen=True)
class RecipeList:
    """The recipes, and what is wrong with files that are not valid ones."""

    recipes: tuple[RecipeRow, ...]
    problems: tuple[str, ...]


def list_recipes(lock: ModelsLock) -> tuple[RecipeList, ConfigError | None]:
    """Every recipe; files with mistakes come as one error with all of them."""
    rows: list[RecipeRow] = []
    problems: list[Problem] = []
    for path in recipe_files().values():
        try:
            rows.append(recipe_row(read_recipe(path), lock))
        except UsageError as error:
            problems += error.problems
    found = RecipeList(tuple(rows), tuple(str(problem) for problem in problems))
    return found, ConfigError(*problems) if problems else None


def recipe_row(recipe: Recipe, lock: ModelsLock) -> RecipeRow:
    entry = lock.find(recipe)
    replaces = not recipe.built_in and (FOLDER / f"{recipe.name}.toml").exists()
    return RecipeRow(
        name=recipe.name,
        description=recipe.description,
        model=recipe.model,
        hardware=tuple(recipe.hardware),
        source="built in" if recipe.built_in else recipe.source,
        replaces_built_in=replaces,
        locked=entry is not None,
        commit=entry.commit if entry else "",
        bytes=entry.total_bytes if entry else None,
    )
