"""The models that are made on the hosts."""

import json
from pathlib import Path

import pytest

from orchestrator.capacity.placement import fixed_split
from orchestrator.host import make_talks
from orchestrator.models.made import made_config, making_request
from orchestrator.recipes.recipe import load_recipe

NEEDED = {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"}
MOST = 6_000_000  # bytes: it travels to every host


def test_tiny_talks_is_written_whole_and_never_over_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny-talks"
    request = making_request("talks", str(path))
    make_talks.main(request)
    written = json.loads(capsys.readouterr().out)["bytes"]
    assert {each.name for each in path.iterdir()} >= NEEDED
    assert sum(each.stat().st_size for each in path.iterdir()) == written < MOST
    assert json.loads((path / "config.json").read_text()) == made_config("talks")

    (path / "config.json").write_text("mine")
    make_talks.main(request)
    assert (path / "config.json").read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["tiny-talks"]


@pytest.mark.parametrize("name", ["tiny", "tiny-talks"])
def test_what_is_made_splits_over_two_ranks_and_has_no_name_of_the_hub(name: str) -> None:
    recipe = load_recipe(name)
    config = made_config(str(recipe.made))
    for key in ("num_attention_heads", "num_key_value_heads", "intermediate_size", "vocab_size"):
        assert config[key] % 2 == 0
    assert "/" not in recipe.model
    assert fixed_split(recipe) == (None, None)
