"""Where a recipe is found, and that no file whatsoever ends in a traceback."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ConfigError, UsageError
from orchestrator.recipes.layers import parse_settings, recipe_on
from orchestrator.recipes.recipe import (
    Recipe,
    find_recipe,
    parse_recipe,
    recipe_from_toml,
    recipe_names,
)
from orchestrator.serving.vllm import option_words

TEXT = 'description = "mine"\nmodel = "m/m"\nserved_name = "m"\n'
KEYS = st.sampled_from(
    [*Recipe.model_fields, "gb10", "cpu", "self", "max_model_len", "max-model-len", "A"]
)
SCALARS = (
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["tiny", "fit", "all", "main"])
    | st.datetimes(datetime(1, 1, 1), timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
WHOLE = {"description": "d", "model": "m", "served_name": "m"}


@given(st.dictionaries(KEYS | st.text(max_size=4), VALUES, max_size=6))
def test_anything_that_toml_can_hold_is_a_recipe_or_a_config_error(raw: Mapping[str, Any]) -> None:
    for each in (raw, {**WHOLE, **raw}, {**WHOLE, "args": raw}, {**WHOLE, "env": raw}):
        with suppress(ConfigError):
            found = recipe_on(recipe_from_toml("m", each, "m.toml"), "gb10", {})
            assert all(list(option_words(key, value)) for key, value in found.args.items())


@given(st.text(), st.text(max_size=40))
def test_any_text_is_a_recipe_or_a_config_error(text: str, name: str) -> None:
    with suppress(ConfigError):
        parse_recipe(name, text, "m.toml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a folder for recipes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    return tmp_path


def test_recipes_of_the_working_directory_are_known_beside_ours(here: Path) -> None:
    (here / "recipes/mine.toml").write_text(TEXT)
    assert {"mine", "tiny"} <= set(recipe_names())
    found = find_recipe("mine")
    assert (found.description, found.source) == ("mine", "recipes/mine.toml")
    assert not found.built_in
    assert find_recipe("tiny").built_in


def test_a_recipe_of_the_working_directory_wins_over_ours(here: Path) -> None:
    (here / "recipes/tiny.toml").write_text(TEXT)
    assert find_recipe("tiny").description == "mine"


def test_a_file_needs_no_folder_and_gives_its_name(here: Path) -> None:
    (here / "other.toml").write_text(TEXT)
    assert find_recipe(None, "other.toml").name == "other"
    assert find_recipe("other", "other.toml").name == "other"
    with pytest.raises(UsageError, match=r"tiny and --recipe other\.toml are two recipes"):
        find_recipe("tiny", "other.toml")


def test_a_mistake_in_one_file_leaves_the_others_usable(here: Path) -> None:
    (here / "recipes/bad.toml").write_text("port = 0")
    assert find_recipe("tiny").name == "tiny"
    with pytest.raises(ConfigError, match=r"recipes/bad\.toml, port: "):
        find_recipe("bad")


def test_no_recipe_is_named() -> None:
    with pytest.raises(UsageError, match="no recipe is named\n  hint: name one that"):
        find_recipe(None)


def test_a_path_in_place_of_a_name_is_told_how(here: Path) -> None:
    with pytest.raises(UsageError, match=r"hint: --recipe recipes/mine\.toml"):
        find_recipe("recipes/mine.toml")


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read(here: Path, kind: str) -> None:
    path = here / "odd.toml"
    if kind == "folder":
        path.mkdir()
    if kind == "bytes":
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"odd\.toml: (no such recipe file|cannot be read)"):
        find_recipe(None, str(path))


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 400, "-9223372036854775809", "[" * 5000])
def test_a_number_or_a_depth_that_toml_does_not_have(value: str) -> None:
    with pytest.raises(ConfigError):
        parse_recipe("m", f"{TEXT}[args]\nmax_model_len = {value}", "m.toml")
    with suppress(ConfigError):
        recipe_on(parse_recipe("m", TEXT, "m.toml"), None, parse_settings([f"a={value}"]))
