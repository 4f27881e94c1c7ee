"""What the package knows of the built-in recipes' models, where no hub answers."""

import re

import pytest

from cluster.errors import OrchestrateError, Problem
from cluster.reporter import SILENT, Reporter
from orchestrator.capacity.fit import Model
from orchestrator.models.sizes import model_without_hosts
from orchestrator.recipes.recipe import Recipe, load_recipe, recipe_names
from tests.support.models import recipe

BUILT_IN = [name for name in recipe_names() if not load_recipe(name).made]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_recipe_is_planned_where_no_hub_answers(name: str) -> None:
    def silent(recipe: Recipe, reporter: Reporter) -> Model:
        raise OrchestrateError(Problem("the hub does not answer"))

    found = model_without_hosts(load_recipe(name), SILENT, silent)
    assert found.source.startswith("what this package knows of it")
    assert found.guesses == ()
    gigabytes = sum(each.bytes for each in found.tensors) / 1e9
    said = re.search(r"\((\d+) GB\)|in float16 \((\d+) GB\)", load_recipe(name).description)
    assert said
    assert gigabytes == pytest.approx(float(said[1] or said[2]), rel=0.07)


def test_another_model_is_not_known_without_the_hub() -> None:
    def silent(recipe: Recipe, reporter: Reporter) -> Model:
        raise OrchestrateError(Problem("the hub does not answer"))

    with pytest.raises(OrchestrateError, match="does not answer"):
        model_without_hosts(recipe({}), SILENT, silent)
