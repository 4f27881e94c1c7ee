"""What wins over what: profile < recipe < its table for the hardware < command line; pure."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cluster.errors import ConfigError, Problem, UsageError
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.layer import Layer, Value
from orchestrator.recipes.problems import COMMAND_LINE, recipe_problems
from orchestrator.recipes.recipe import MEDIA_LAYER, Recipe, is_folder

FIELDS = ("model", "revision", "served_name", "port")  # of the recipe, that --set may name
Layers = tuple[tuple[str, Mapping[str, Any]], ...]  # (origin, values)


@dataclass(frozen=True)
class Setting:
    """A value and where it comes from; `over` is what it took the place of, as (origin, value)."""

    value: Any
    origin: str
    over: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Layered:
    """The recipe that is served, and the layers it was made of, the weakest first."""

    recipe: Recipe
    fields: Layers
    args: Layers
    env: Layers


def settings_by_key(layers: Layers) -> dict[str, Setting]:
    """Each key's value in the strongest layer that has one."""
    found: dict[str, Setting] = {}
    for origin, values in layers:
        for key, value in values.items():
            below = found.get(key)
            over = (*below.over, (below.origin, below.value)) if below else ()
            found[key] = Setting(value, origin, over)
    return dict(sorted(found.items()))


def apply_layers(recipe: Recipe, hardware: str | None, settings: Mapping[str, Value]) -> Layered:
    """The recipe with the hardware profile beneath it and --set on top.

    `port`, `served_name`, `model` and `revision` name fields of the recipe, `env.NAME` the
    environment; every other key is an argument of vLLM. `false` takes a flag away.
    Raises ConfigError for a value that cannot be.
    """
    profile = load_hardware().get(hardware or "", Layer())
    own = recipe.hardware.get(hardware or "", Layer())
    media = MEDIA_LAYER if recipe.media else Layer()
    given = {key: value for key, value in settings.items() if key in FIELDS}
    env = {k[4:]: str(v) for k, v in settings.items() if k.startswith("env.")}
    args = {k: v for k, v in settings.items() if k not in FIELDS and not k.startswith("env.")}
    layers = {
        f"hardware profile {hardware}": profile,
        "[media]": media,
        "recipe": recipe,
        f"recipe, on {hardware}": own,
    }
    named = [(origin, layer) for origin, layer in layers.items() if layer != Layer()]
    all_args = (*((origin, layer.args) for origin, layer in named), ("command line", args))
    all_env = (*((origin, layer.env) for origin, layer in named), ("command line", env))
    whole = {**recipe.model_dump(), "source": recipe.source}
    plain = {field: getattr(recipe, field) for field in FIELDS}
    changes: dict[str, Any] = {
        **given,
        "args": flat(all_args),
        "env": flat(all_env),
        "source": recipe.source,
    }
    if recipe.made and names_another(given, recipe):
        changes["made"] = None  # another model's weights are never made up under its name
    if "tensor_parallel_size" in args:  # the command line is exact
        changes["min_tensor_parallel"] = None
    try:
        final = Recipe.model_validate({**whole, **changes})
    except ValidationError as error:
        raise ConfigError(*recipe_problems(error, COMMAND_LINE, Recipe.model_fields)) from None
    return Layered(final, (("recipe", plain), ("command line", given)), all_args, all_env)


def names_another(given: Mapping[str, Value], recipe: Recipe) -> bool:
    """Whether the command line names a model of the hub in place of the recipe's."""
    model = given.get("model", recipe.model)
    return model != recipe.model and not is_folder(str(model))


def flat(layers: Layers) -> dict[str, Any]:
    return {key: value for _, values in layers for key, value in values.items()}


def recipe_on(recipe: Recipe, hardware: str | None, settings: Mapping[str, Value]) -> Recipe:
    """The recipe that is served on this hardware."""
    return apply_layers(recipe, hardware, settings).recipe


def parse_settings(settings: Sequence[str]) -> dict[str, Value]:
    """`--set key=value` words; a value is TOML where it reads as TOML, else text.

    Raises UsageError for a word without key or `=`.
    """
    found: dict[str, Value] = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            hint = "as in --set max_model_len=4096"
            raise UsageError(Problem(f"`{word}` is not key=value", COMMAND_LINE, hint))
        name, text = key.strip().replace("-", "_"), value.strip()
        found[name] = toml_value(text)
        if name.startswith("env.") and not isinstance(found[name], str):
            found[name] = text  # as it was typed: true stays true
    return found


def toml_value(text: str) -> Value:
    try:
        value: Value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, KeyError, RecursionError):
        return text
    return value
