"""Recipes: typed data about one service, never a command string; where their files lie."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from cluster.errors import ConfigError, Problem, UsageError
from cluster.inventory.node import Name, Port
from cluster.inventory.problems import nearest
from cluster.inventory.toml_file import parse_toml
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.layer import Layer, Scalar, Table, Text
from orchestrator.recipes.problems import (
    hardware_problems,
    name_problems,
    one_line,
    recipe_problems,
)

FOLDER = Path(__file__).parent / "builtin"
USER_FOLDER = Path("recipes")  # of the working directory


MEDIA_DOMAINS: list[Scalar] = ["127.0.0.1", "localhost"]
MEDIA_LAYER = Layer(
    args={"allowed_media_domains": MEDIA_DOMAINS},
    env={"VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"},  # or a redirect would lead elsewhere
)


class Media(Table):
    """The media server that `serve` starts beside vLLM."""

    folder: Annotated[
        str, StringConstraints(pattern=r"^(/|~/).*[^/]$"), AfterValidator(one_line)
    ] = Field(
        description="Its files, on vLLM's host; made where it is missing. Every user of that "
        "host can fetch them.",
        examples=["~/orchestrate-media"],
    )
    port: Port = Field(default=8080, description="Where it listens, on the host's loopback.")


def is_folder(model: str) -> bool:
    """Whether a recipe's `model` is a folder on the hosts, and no name on the hub."""
    return model.startswith(("/", "~"))


class Recipe(Layer):
    """One model and how it is served. `name` and `source` come from the file, not from its text."""

    name: Name = Field(description="The file's name without .toml.")
    source: str = Field(default="", exclude=True, description="The file.")
    description: Text = Field(description="One line for `orchestrate models list`.")
    model: Text = Field(
        description="Hub name, or an absolute path on the hosts.",
        examples=["Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", "/models/mine"],
    )
    revision: Text = Field(
        default="main",
        description="Commit, branch or tag on the hub; models.lock turns it into a commit.",
    )
    made: Literal["tiny", "talks"] | None = Field(
        default=None, description="Made on the spot instead of downloaded."
    )
    served_name: Text = Field(description="`model` in API requests.")
    port: Port = Field(default=8000, description="Where the API listens.")
    spread: Literal["fit", "all"] = Field(
        default="fit",
        description="fit: as few GPUs as hold it, in one host if possible; all: every GPU.",
    )
    min_tensor_parallel: int | None = Field(
        default=None,
        ge=1,
        description="With fewer free GPUs than `tensor_parallel_size` in [args], the split "
        "shrinks as far as this; a size from the command line is exact.",
    )
    needs_lock: bool = Field(
        default=False,
        description="Serve one commit only: refuse a revision that models.lock does not hold.",
    )
    media: Media | None = Field(
        default=None,
        description="A media server beside vLLM. vLLM then fetches images and videos from its own "
        "loopback alone (any port of it): `allowed_media_domains` follows from the table.",
    )
    hardware: dict[str, Layer] = Field(
        default_factory=dict,
        description="What differs on one kind of hardware, by its name: gb10, h100, h200, cpu.",
        examples=[{"gb10": {"args": {"gpu_memory_utilization": 0.75}}}],
    )

    @field_validator("media")
    @classmethod
    def fetches_from_there_alone(cls, media: Media | None, info: ValidationInfo) -> Media | None:
        domains = info.data.get("args", {}).get("allowed_media_domains", MEDIA_DOMAINS)
        if media and domains != MEDIA_DOMAINS:
            raise ValueError("with [media], `allowed_media_domains` is not set in [args]")
        return media

    @property
    def words(self) -> str:
        """What to type after a verb of `models`: its name, or --recipe where no name finds it."""
        by_name = not self.source or self.built_in or Path(self.source).parent == USER_FOLDER
        return self.name if by_name else f"--recipe {shlex.quote(self.source)}"

    @property
    def option(self) -> str:
        """What to type after every other verb."""
        return f"--model {self.name}" if self.words == self.name else self.words

    @property
    def built_in(self) -> bool:
        return Path(self.source).parent == FOLDER


def recipe_files() -> dict[str, Path]:
    """Files by recipe name; one in ./recipes takes the place of a built-in one."""
    found = [*FOLDER.glob("*.toml"), *USER_FOLDER.glob("*.toml")]
    return dict(sorted((path.stem, path) for path in found if path.is_file()))


def recipe_names() -> list[str]:
    return list(recipe_files())


def find_recipe(name: str | None, file: str | None = None) -> Recipe:
    """The recipe in `file` (--recipe), else the one of that name (--model).

    Raises UsageError with the nearest names, ConfigError with every mistake in the file.
    """
    if file:
        if name not in (None, Path(file).stem):
            what = f"{name} and --recipe {file} are two recipes"
            raise UsageError(Problem(what, hint="give one of them"))
        return read_recipe(Path(file))
    if name is None:
        hint = "name one that `orchestrate models list` shows, or --recipe FILE"
        raise UsageError(Problem("no recipe is named", hint=hint))
    found = recipe_files()
    if name not in found:
        is_file = name.endswith(".toml") or "/" in name
        hint = f"--recipe {name}" if is_file else nearest(name, found)
        raise UsageError(Problem(f"no recipe `{name}`", hint=hint))
    return read_recipe(found[name])


def load_recipe(name: str) -> Recipe:
    """The recipe of this name."""
    return find_recipe(name)


def read_recipe(path: Path) -> Recipe:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        hint = "orchestrate models list shows all recipes"
        raise UsageError(Problem("no such recipe file", str(path), hint)) from None
    except (OSError, ValueError) as error:
        raise UsageError(Problem(f"cannot be read: {error}", str(path))) from None
    return parse_recipe(path.stem, text, str(path))


def parse_recipe(name: str, text: str, source: str) -> Recipe:
    """Raises ConfigError with every mistake at once."""
    return recipe_from_toml(name, parse_toml(text, source), source)


def recipe_from_toml(name: str, raw: Mapping[str, Any], source: str) -> Recipe:
    """Validate parsed TOML. Raises ConfigError with every mistake at once."""
    problems = [*name_problems(raw, source), *hardware_problems(raw, source, load_hardware())]
    given = {key: value for key, value in raw.items() if key not in ("name", "source")}
    try:
        recipe = Recipe.model_validate({**given, "name": name, "source": source})
    except ValidationError as error:
        problems += recipe_problems(error, source, Recipe.model_fields)
    if problems:
        raise ConfigError(*problems)
    return recipe
