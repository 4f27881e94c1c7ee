"""What wins over what is one line: profile < recipe < its hardware < --set; and who said it."""

import pytest

from cluster.errors import ConfigError, UsageError
from orchestrator.recipes.layer import Layer
from orchestrator.recipes.layers import (
    Setting,
    apply_layers,
    parse_settings,
    recipe_on,
    settings_by_key,
)
from orchestrator.recipes.recipe import Recipe, load_recipe


def recipe(**changes: object) -> Recipe:
    fields = {"name": "m", "description": "d", "model": "m/m", "served_name": "m", **changes}
    return Recipe.model_validate(fields)


def test_the_profile_yields_to_the_recipe_its_hardware_and_to_set() -> None:
    gb10 = {"gb10": Layer(args={"enforce_eager": False})}
    assert recipe_on(recipe(), "gb10", {}).args == {"enforce_eager": True}
    own = recipe(args={"enforce_eager": "recipe"})
    assert recipe_on(own, "gb10", {}).args == {"enforce_eager": "recipe"}
    both = recipe(args={"enforce_eager": "recipe"}, hardware=gb10)
    assert recipe_on(both, "gb10", {}).args == {"enforce_eager": False}
    assert recipe_on(both, None, {}).args == {"enforce_eager": "recipe"}
    assert recipe_on(both, "gb10", {"enforce_eager": "set"}).args == {"enforce_eager": "set"}


def test_environment_is_merged_in_the_same_order() -> None:
    assert recipe_on(recipe(), "cpu", {}).env == {"VLLM_CPU_KVCACHE_SPACE": "1"}
    own = recipe(env={"VLLM_CPU_KVCACHE_SPACE": "2", "A": "1"})
    assert recipe_on(own, "cpu", {"env.A": 7}).env == {"VLLM_CPU_KVCACHE_SPACE": "2", "A": "7"}


def test_a_split_from_the_command_line_is_exact() -> None:
    own = recipe(args={"tensor_parallel_size": 8}, min_tensor_parallel=4)
    assert recipe_on(own, None, {"port": 9000}).min_tensor_parallel == 4
    assert recipe_on(own, None, {"tensor_parallel_size": 8}).min_tensor_parallel is None


def test_set_can_name_fields_of_the_recipe() -> None:
    settings = parse_settings(["port=9000", "served-name=x", "revision=abc", "max-model-len=64"])
    found = recipe_on(recipe(), None, settings)
    assert (found.port, found.served_name, found.revision) == (9000, "x", "abc")
    assert found.args == {"max_model_len": 64}
    with pytest.raises(ConfigError, match="--set"):
        recipe_on(recipe(), None, {"port": "high"})


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("max-model-len=4096", "max_model_len", 4096),
        ("a = 0.5", "a", 0.5),
        ("a=true", "a", True),
        ("a=[1, 2]", "a", [1, 2]),
        ("a={image = 4}", "a", {"image": 4}),
        ("a=qwen3_xml", "a", "qwen3_xml"),
        ('a="8"', "a", "8"),
        ("a=x=y", "a", "x=y"),
        ("a=", "a", ""),
    ],
)
def test_set_reads_toml_where_it_reads_as_toml(word: str, key: str, value: object) -> None:
    assert parse_settings([word]) == {key: value}


@pytest.mark.parametrize("word", ["max_model_len", "=3", " =3"])
def test_set_without_key_or_value(word: str) -> None:
    with pytest.raises(UsageError, match="is not key=value"):
        parse_settings([word])


def test_each_value_knows_where_it_comes_from_and_what_it_replaced() -> None:
    own = recipe(
        args={"enforce_eager": True, "seed": 1},
        hardware={"gb10": Layer(args={"enforce_eager": False})},
    )
    found = apply_layers(own, "gb10", {"enforce_eager": True, "env.A": "1", "port": 9000})
    assert settings_by_key(found.args) == {
        "enforce_eager": Setting(
            True,
            "command line",
            (("hardware profile gb10", True), ("recipe", True), ("recipe, on gb10", False)),
        ),
        "seed": Setting(1, "recipe"),
    }
    assert settings_by_key(found.env) == {"A": Setting("1", "command line")}
    assert settings_by_key(found.fields)["port"] == Setting(
        9000, "command line", (("recipe", 8000),)
    )
    assert found.recipe == recipe_on(
        own, "gb10", {"enforce_eager": True, "env.A": "1", "port": 9000}
    )


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("port=high", "--set port: Input should be a valid integer"),
        ("host=0.0.0.0", "--set host: is not set here\n  hint: set `host` in .serve."),
        ("a=2020-01-01", "--set a: no value for an option"),
        ("env.A B=1", "--set env.A B: cannot be a name"),
        ("model=", "--set model: String should have at least 1 character"),
    ],
)
def test_a_mistake_on_the_command_line_names_the_word(word: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        recipe_on(recipe(), None, parse_settings([word]))


def test_the_environment_is_text_as_it_was_typed() -> None:
    typed = ["env.A=true", 'env.B="8"', "env.C=1.50", "env.D=x y"]
    assert recipe_on(recipe(), None, parse_settings(typed)).env == {
        "A": "true",
        "B": "8",
        "C": "1.50",
        "D": "x y",
    }


def test_weights_are_never_made_up_under_the_name_of_another_model() -> None:
    """They would lie in a cache that other programs trust."""
    tiny = load_recipe("tiny")
    assert recipe_on(tiny, None, {"model": "Qwen/Qwen3-0.6B"}).made is None
    assert recipe_on(tiny, None, {"model": "/models/mine"}).made == "tiny"
    assert recipe_on(tiny, None, {}).made == "tiny"
