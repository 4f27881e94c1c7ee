"""The files of a bundle and their types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

BUNDLE_SCHEMA, BUNDLE_FORMAT = "orchestrate-audit", 1
AUDIT, SERVER, NODES = "audit.json", "server.json", "nodes.json"
RECIPE_JSON, LOCK, MANIFEST = "recipe.json", "models.lock", "manifest.json"
SAMPLES, ADDED = "samples/", "added/"


class BundleModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class MissingFact:
    """A fact that is not in the bundle, and why."""

    what: str
    why: str


class Audit(BundleModel):
    """audit.json: when, by whom, and what is not in it. `serving_since` is empty where unknown."""

    kind: str = BUNDLE_SCHEMA
    format: int = BUNDLE_FORMAT
    created: str
    by: str
    serving_since: str = ""
    missing: tuple[MissingFact, ...] = ()


class InventoryNode(BundleModel):
    """A [[node]] without secrets and logins; `serves`: it holds a part of the model.

    `problem` says why nothing else is known about it.
    """

    name: str
    role: str
    address: str
    fast_address: str
    gpus: int | None
    venv: str
    cache: str
    env: Mapping[str, str]
    serves: bool
    problem: str = ""


class Inventory(BundleModel):
    cluster: str
    nodes: tuple[InventoryNode, ...]


class RecipeRecord(BundleModel):
    """recipe.json: the recipe as it was served, and its layers, lowest precedence first."""

    recipe: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, Any]]
    layers: tuple[Mapping[str, Any], ...]
