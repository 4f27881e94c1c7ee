"""Editors read these schemas: what they accept is what we accept."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.recipes.recipe import FOLDER
from scripts.editor_schema import nodes_schema, recipe_schema
from tests.support.folders import ROOT

RECIPES = sorted(FOLDER.glob("*.toml"))
WHOLE = {"description": "d", "model": "m/m", "served_name": "m"}


def schema_of(path: Path) -> Any:
    """The one that the file's first line names, as editors find it."""
    mark, _, place = path.read_text("utf-8").splitlines()[0].partition(" ")
    assert mark == "#:schema"
    return json.loads((path.parent / place).read_text("utf-8"))


@pytest.mark.parametrize("path", [*RECIPES, ROOT / "nodes.toml"], ids=lambda path: path.name)
def test_our_own_files_fulfil_the_schema_that_they_name(path: Path) -> None:
    schema = schema_of(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(path.read_text("utf-8")), schema)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {**WHOLE, "modle": "x"},
        {**WHOLE, "name": "x"},
        {**WHOLE, "port": 0},
        {**WHOLE, "spread": "half"},
        {**WHOLE, "args": {"port": 1}},
        {**WHOLE, "args": {"a": [[1]]}},
        {**WHOLE, "env": {"A": 1}},
        {**WHOLE, "hardware": {"gb10": {"arg": {}}}},
    ],
)
def test_an_editor_marks_the_mistakes_that_we_refuse(raw: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, json.loads(recipe_schema()))


@pytest.mark.parametrize("raw", [{}, {"node": []}, {"node": [{"name": "a"}]}, {"raay": {}}])
def test_an_editor_marks_mistakes_in_the_inventory(raw: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, json.loads(nodes_schema()))


def test_every_key_says_what_it_means() -> None:
    for text in (recipe_schema(), nodes_schema()):
        made = json.loads(text)
        tables = [made, *made["$defs"].values()]
        keys = [key for table in tables for key in table.get("properties", {}).items()]
        without = [n for n, k in keys if "description" not in k and "$ref" not in k]
        assert not without
