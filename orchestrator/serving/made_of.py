"""What a service says of the recipe that it was made of, for an audit to read later; pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from cluster.host.masking import MASK, says_secret, shown
from cluster.runtimes.service import Service
from orchestrator.recipes.layers import Layered

RECIPE = "made_of"  # the key in what a service says about itself


def with_recipe(service: Service, made: Layered) -> Service:
    """The same service; a launch writes this down on its host."""
    return dataclasses.replace(service, labels={**service.labels, RECIPE: recorded(made)})


def recorded(made: Layered) -> dict[str, Any]:
    """The recipe as it was served, and the layers it was made of, the weakest first.

    Values of secret names are stars.
    """
    recipe = made.recipe.model_dump(mode="json", exclude={"hardware"})
    origins = [origin for origin, _ in made.args]
    layers = [
        {"origin": origin, "args": shown_args(args), "env": shown_env(env)}
        for origin, (_, args), (_, env) in zip(origins, made.args, made.env, strict=True)
        if args or env
    ]
    fields = {origin: dict(values) for origin, values in made.fields}
    final = {**recipe, "args": shown_args(recipe["args"]), "env": shown_env(recipe["env"])}
    return {"recipe": final, "fields": fields, "layers": layers}


def shown_args(args: Mapping[str, Any]) -> dict[str, Any]:
    return {key: MASK if says_secret(key) else value for key, value in args.items()}


def shown_env(env: Mapping[str, str]) -> dict[str, str]:
    return {name: shown(name, value) for name, value in env.items()}
