"""What a service says of the recipe that it was made of, for an audit to read later; pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from cluster.host.masking import env_shown, options_shown
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
    layers = [
        layer_shown({"origin": origin, "args": args, "env": env})
        for (origin, args), (_, env) in zip(made.args, made.env, strict=True)
        if args or env
    ]
    fields = {origin: dict(values) for origin, values in made.fields}
    return {"recipe": layer_shown(recipe), "fields": fields, "layers": layers}


def layer_shown(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe or one of its layers, its secrets masked."""
    args, env = layer.get("args", {}), layer.get("env", {})
    return {**layer, "args": options_shown(args), "env": env_shown(env)}
