"""Recipes are data; what wins over what is one line: profile < recipe < its hardware < --set."""

import json
from pathlib import Path

import pytest

from cluster.errors import ConfigError, UsageError
from orchestrator.arguments import Accepted, argument_problems
from orchestrator.recipe import (
    Layer,
    Recipe,
    hardware_name,
    load_hardware,
    load_recipe,
    merged,
    names,
    parse_recipe,
    parse_settings,
)
from tests.factory import gpu

CAPTURED = Path(__file__).parents[1] / "captured"
TEXT = 'description = "d"\nmodel = "m/m"\nserved_name = "m"\n'


@pytest.mark.parametrize("name", names())
def test_every_recipe_of_ours_loads(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.hardware) <= set(load_hardware())


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("hardware", [None, *load_hardware()])
def test_vllm_accepts_every_argument_of_ours(name: str, hardware: str | None) -> None:
    accepted = Accepted(**json.loads((CAPTURED / "vllm-0.32-arguments.json").read_text("utf-8")))
    args = merged(load_recipe(name), hardware, {}).args
    assert not list(argument_problems(args, accepted, "0.32.0"))


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no recipe `tinny`\n  hint: did you mean `tiny`\?"):
        load_recipe("tinny")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("model = ", r"m\.toml: not valid TOML"),
        (TEXT + "modle = 'x'", r"m\.toml \[modle\]: unknown key"),
        ('model = "m"', r"m\.toml \[description\]: missing"),
        (TEXT + "port = 0", "greater than or equal to 1"),
        (TEXT + "spread = 'half'", "'fit' or 'all'"),
        (TEXT + "args = 3", r"m\.toml \[args\]"),
    ],
)
def test_mistakes_in_a_recipe(text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        parse_recipe("m", text, "m.toml")


def recipe(**changes: object) -> Recipe:
    fields = {"name": "m", "description": "d", "model": "m/m", "served_name": "m", **changes}
    return Recipe.model_validate(fields)


def test_the_profile_yields_to_the_recipe_its_hardware_and_to_set() -> None:
    gb10 = {"gb10": Layer(args={"enforce_eager": False})}
    assert merged(recipe(), "gb10", {}).args == {"enforce_eager": True}
    own = recipe(args={"enforce_eager": "recipe"})
    assert merged(own, "gb10", {}).args == {"enforce_eager": "recipe"}
    both = recipe(args={"enforce_eager": "recipe"}, hardware=gb10)
    assert merged(both, "gb10", {}).args == {"enforce_eager": False}
    assert merged(both, None, {}).args == {"enforce_eager": "recipe"}
    assert merged(both, "gb10", {"enforce_eager": "set"}).args == {"enforce_eager": "set"}


def test_environment_is_merged_in_the_same_order() -> None:
    assert merged(recipe(), "cpu", {}).env == {"VLLM_CPU_KVCACHE_SPACE": "1"}
    own = recipe(env={"VLLM_CPU_KVCACHE_SPACE": "2", "A": "1"})
    assert merged(own, "cpu", {"env.A": 7}).env == {"VLLM_CPU_KVCACHE_SPACE": "2", "A": "7"}


def test_a_split_from_the_command_line_is_exact() -> None:
    own = recipe(args={"tensor_parallel_size": 8}, min_tensor_parallel=4)
    assert merged(own, None, {"port": 9000}).min_tensor_parallel == 4
    assert merged(own, None, {"tensor_parallel_size": 8}).min_tensor_parallel is None


def test_set_can_name_fields_of_the_recipe() -> None:
    settings = parse_settings(["port=9000", "served-name=x", "revision=abc", "max-model-len=64"])
    found = merged(recipe(), None, settings)
    assert (found.port, found.served_name, found.revision) == (9000, "x", "abc")
    assert found.args == {"max_model_len": 64}
    with pytest.raises(ConfigError, match="--set"):
        merged(recipe(), None, {"port": "high"})


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


@pytest.mark.parametrize(
    ("name", "capability", "expected"),
    [
        ("NVIDIA GB10", "12.1", "gb10"),
        ("NVIDIA H100 80GB HBM3", "9.0", "h100"),
        ("NVIDIA H200", "9.0", "h200"),
        ("NVIDIA GH200 480GB", "9.0", None),
        ("NVIDIA A100-SXM4-80GB", "8.0", None),
    ],
)
def test_hardware_is_known_by_its_capability_and_name(
    name: str, capability: str, expected: str | None
) -> None:
    gpus = [gpu(name=name, capability=capability)] * 2
    assert hardware_name(gpus, load_hardware()) == expected


def test_without_a_gpu_the_hardware_is_the_cpu() -> None:
    assert hardware_name([], load_hardware()) == "cpu"
