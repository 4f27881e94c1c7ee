"""Recipes are data: ours all load, and mistakes in one are named with file, table and key."""

import json

import pytest

from cluster.errors import ConfigError, UsageError
from orchestrator.recipes.hardware import hardware_name, load_hardware
from orchestrator.recipes.layers import recipe_on
from orchestrator.recipes.recipe import load_recipe, parse_recipe, recipe_from_toml, recipe_names
from orchestrator.serving.arguments import AcceptedArguments, argument_problems
from tests.support.factory import gpu
from tests.support.folders import CAPTURED

TEXT = 'description = "d"\nmodel = "m/m"\nserved_name = "m"\n'


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_ours_loads(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.hardware) <= set(load_hardware())


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("hardware", [None, *load_hardware()])
def test_vllm_accepts_every_argument_of_ours(name: str, hardware: str | None) -> None:
    accepted = AcceptedArguments(
        **json.loads((CAPTURED / "vllm-0.32-arguments.json").read_text("utf-8"))
    )
    args = recipe_on(load_recipe(name), hardware, {}).args
    assert not list(argument_problems(args, accepted, "0.32.0"))


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no recipe `tinny`\n  hint: did you mean `tiny`\?"):
        load_recipe("tinny")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("model = ", r"m\.toml: not valid TOML"),
        (TEXT + "modle = 'x'", r"m\.toml, modle: unknown key"),
        ('model = "m"', r"m\.toml, description: missing"),
        (TEXT + "port = 0", "greater than or equal to 1"),
        (TEXT + "spread = 'half'", "'fit' or 'all'"),
        (TEXT + "args = 3", r"m\.toml \[args\]: must be a table"),
        (TEXT + "hardware.gb10 = 3", r"m\.toml \[hardware\.gb10\]: must be a table"),
        (TEXT + "[hardware.gb1]", r"\[hardware\.gb1\]: there is no such .*\n.*`gb10`"),
        (TEXT + "[hardware.gb10]\nargs.a = 2020-01-01", r"\[hardware\.gb10\.args\], a: no value"),
        (TEXT + "[args]\na = 2020-01-01", r"m\.toml \[args\], a: no value for an option"),
        (TEXT + "[args]\nport = 1", r"m\.toml \[args\], port: is not set here\n.*own key `port`"),
        (TEXT + "[args]\napi-key = 'x'", r"keeps it out of the command line"),
        (TEXT + "[args]\n'A b' = 1", r"m\.toml \[args\], A b: cannot be a name"),
        (TEXT + "[env]\nA = 1", r"m\.toml \[env\], A: must be text \(it is 1\)\n.*A = \"1\""),
        (TEXT + "max_model_len = 8", r"m\.toml, max_model_len: unknown key\n.*stand in \[args\]"),
        (TEXT + "name = 'n'", r"m\.toml, name: unknown key\n  hint: the file's name"),
        ('description = "a\\nb"', r"m\.toml, description: must be one line"),
        ("x = " + "[" * 5000, r"m\.toml: not valid TOML"),
    ],
)
def test_mistakes_in_a_recipe(text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        parse_recipe("m", text, "m.toml")


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


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_recipe("M M", "port = 0\n[args]\na = [[1]]\nb = {c = 2020-01-01}", "M M.toml")
    assert [problem.where for problem in caught.value.problems] == [
        *("M M.toml [args], a", "M M.toml [args], b", "M M.toml", "M M.toml, description"),
        *("M M.toml, model", "M M.toml, served_name", "M M.toml, port"),
    ]
    assert "`M M` cannot be a recipe's name" in str(caught.value)


def test_what_vllm_may_fetch_follows_from_the_media_table() -> None:
    plain = {"description": "d", "model": "m", "served_name": "s", "media": {"folder": "~/m"}}
    found = recipe_on(recipe_from_toml("x", plain, "x.toml"), None, {})
    assert found.args["allowed_media_domains"] == ["127.0.0.1", "localhost"]
    assert found.media is not None
    assert found.media.port == 8080
    wide = {**plain, "args": {"allowed_media_domains": ["example.org"]}}
    with pytest.raises(ConfigError, match=r"x.toml \[media\]: with \[media\], `allowed_media"):
        recipe_from_toml("x", wide, "x.toml")
    with pytest.raises(ConfigError, match="with \\[media\\]"):
        recipe_on(found, None, {"allowed_media_domains": ["example.org"]})


@pytest.mark.parametrize(
    ("media", "said"),
    [
        ({}, "x.toml [media], folder: missing"),
        ({"folder": "~/m", "prt": 1}, "x.toml [media], prt: unknown key"),
        ({"folder": "~/m", "port": 0}, "x.toml [media], port: "),
        ({"folder": "here"}, "x.toml [media], folder: "),
        ({"folder": "~/"}, "x.toml [media], folder: "),
        ("~/m", "x.toml [media]: must be a table"),
    ],
)
def test_what_is_no_media_table(media: object, said: str) -> None:
    raw = {"description": "d", "model": "m", "served_name": "s", "media": media}
    with pytest.raises(ConfigError) as caught:
        recipe_from_toml("x", raw, "x.toml")
    assert said in str(caught.value)
