"""JSON Schema of a recipe and of nodes.toml, for editors; pure."""

import json
from typing import Any

from cluster.inventory.config import ClusterConfig
from orchestrator.recipes.recipe import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"  # what pydantic writes
FROM_THE_FILE = ("name", "source")  # not in its text


def recipe_schema() -> str:
    made = Recipe.model_json_schema()
    for key in FROM_THE_FILE:
        made["properties"].pop(key)
    made["required"] = [key for key in made["required"] if key not in FROM_THE_FILE]
    return as_text(made, "A recipe of orchestrate: one model and how it is served.")


def nodes_schema() -> str:
    made = ClusterConfig.model_json_schema()
    made["properties"].pop("source")
    made["additionalProperties"] = False
    made["properties"]["node"]["minItems"] = 1
    return as_text(made, "nodes.toml, the inventory of orchestrate.")


def as_text(made: dict[str, Any], description: str) -> str:
    made.pop("title", None)
    whole = {"$schema": DIALECT, **made, "description": description}
    return json.dumps(whole, indent=1) + "\n"
