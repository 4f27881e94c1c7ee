"""Recipes: typed data about one service, never a command string."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.errors import ConfigError, Problem, UsageError
from cluster.facts import Gpu
from cluster.inventory import explain, nearest
from cluster.node import Name, Port

Value = bool | int | float | str | list[str] | dict[str, Any]
FOLDER = files("orchestrator") / "recipes"


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Layer(Table):
    """Arguments and environment that one source contributes."""

    args: dict[str, Value] = Field(
        default_factory=dict, description="Options of `vllm serve`, with _ for -."
    )
    env: dict[str, str] = Field(default_factory=dict, description="Environment of vLLM.")


class Recipe(Layer):
    """One model and how it is served."""

    name: Name = Field(description="The file's name.")
    description: str = Field(description="One line for `orchestrate models list`.")
    model: str = Field(description="Hub name, or an absolute path on the hosts.")
    revision: str = Field(default="main", description="Commit, branch or tag on the hub.")
    made: Literal["tiny"] | None = Field(
        default=None, description="Made on the spot instead of downloaded."
    )
    served_name: str = Field(description="`model` in API requests.")
    port: Port = Field(default=8000, description="Where the API listens.")
    spread: Literal["fit", "all"] = Field(
        default="fit",
        description="fit: as few GPUs as hold it, in one host if possible; all: every GPU.",
    )
    min_tensor_parallel: int | None = Field(
        default=None,
        ge=1,
        description="With fewer free GPUs than the recipe's `tensor_parallel_size`, the split "
        "shrinks as far as this; a size from the command line is exact.",
    )
    needs_lock: bool = Field(
        default=False, description="Refuse to serve a revision that is not one commit."
    )
    hardware: dict[str, Layer] = Field(
        default_factory=dict, description="What differs on one kind of hardware, by its name."
    )


class Hardware(Layer):
    """A kind of hardware, known by its compute capability and, where two share it, its name."""

    capability: str
    gpu: str = ""

    def fits(self, capability: str, name: str) -> bool:
        return self.capability == capability and (not self.gpu or self.gpu in name.split())


def names() -> list[str]:
    return sorted(file.name[:-5] for file in FOLDER.iterdir() if file.name.endswith(".toml"))


def load_recipe(name: str) -> Recipe:
    """A built-in recipe. Raises UsageError with the nearest names, ConfigError when it is wrong."""
    if name not in names():
        raise UsageError(Problem(f"no recipe `{name}`", "--model", nearest(name, names())))
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    return parse_recipe(name, text, f"{name}.toml")


def parse_recipe(name: str, text: str, source: str) -> Recipe:
    try:
        return Recipe(name=name, **tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(f"not valid TOML: {error}", source)) from None
    except ValidationError as error:
        tables = {key: field.annotation for key, field in Recipe.model_fields.items()}
        raise ConfigError(*explain(error, source, tables, {})) from None


def load_hardware() -> dict[str, Hardware]:
    text = (files("orchestrator") / "hardware.toml").read_text("utf-8")
    return {name: Hardware(**table) for name, table in tomllib.loads(text).items()}


def hardware_name(gpus: Sequence[Gpu], known: Mapping[str, Hardware]) -> str | None:
    """The profile for these GPUs; without a GPU it is the one without a capability."""
    wanted = (gpus[0].capability, gpus[0].name) if gpus else ("", "")
    return next((name for name, each in known.items() if each.fits(*wanted)), None)


def parse_settings(settings: Sequence[str]) -> dict[str, Value]:
    """`--set key=value` words; a value is TOML where it reads as TOML, else text.

    Raises UsageError for a word without key or `=`.
    """
    found: dict[str, Value] = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                Problem(f"`{word}` is not key=value", "--set", "as in --set max_model_len=4096")
            )
        found[key.strip().replace("-", "_")] = toml_value(value.strip())
    return found


def toml_value(text: str) -> Value:
    try:
        value: Value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
    return value


def merged(recipe: Recipe, hardware: str | None, settings: Mapping[str, Value]) -> Recipe:
    """The recipe with the hardware profile beneath it and --set on top.

    `port`, `served_name`, `model` and `revision` name fields of the recipe, `env.NAME` the
    environment; every other key is an argument of vLLM. `false` takes a flag away.
    """
    profile = load_hardware().get(hardware or "", Layer())
    own = recipe.hardware.get(hardware or "", Layer())
    fields: dict[str, Value | None] = {
        k: v for k, v in settings.items() if k in ("port", "served_name", "model", "revision")
    }
    env = {k[4:]: str(v) for k, v in settings.items() if k.startswith("env.")}
    args = {k: v for k, v in settings.items() if k not in fields and not k.startswith("env.")}
    if "tensor_parallel_size" in args:  # the command line is exact
        fields["min_tensor_parallel"] = None
    try:
        return Recipe(
            **{
                **recipe.model_dump(),
                **fields,
                "args": {**profile.args, **recipe.args, **own.args, **args},
                "env": {**profile.env, **recipe.env, **own.env, **env},
            }
        )
    except ValidationError as error:
        raise ConfigError(*explain(error, "--set", {}, {})) from None
