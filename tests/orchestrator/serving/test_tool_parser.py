"""The recipe's parser of tool calls against the model's chat template, before a launch."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.inventory.node import Node
from orchestrator.host import chat_template
from orchestrator.models.cache import ModelFiles
from orchestrator.recipes.recipe import load_recipe, recipe_names
from orchestrator.serving.tool_parser import parser_findings, template_of
from orchestrator.serving.vllm import needs_own_parser
from tests.support.factory import config_of, entry, whole
from tests.support.folders import ROOT
from tests.support.scripted import Script

# as the templates of Qwen3, Qwen3-Coder, GLM-4.5, Mistral and Llama 3.1 show it
QWEN3 = 'within <tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, '
CODER = "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n"
GLM = "<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n<arg_value>"
MISTRAL = '{{- "[TOOL_CALLS][" }}'
LLAMA = '{{- "<|python_tag|>" + tool_call.name + ".call(" }}'
HOST = whole(config_of(entry(1))).hosts[0]
MODEL = ModelFiles(HOST, "/cache/model", (), {}, "")


def states(parser: str, template: str) -> list[tuple[str, str]]:
    found = parser_findings({"tool_call_parser": parser}, template, "mine")
    return [(each.state, each.hint) for each in found]


@pytest.mark.parametrize(
    ("parser", "template", "fits"),
    [
        ("hermes", QWEN3, ""),
        ("qwen3_xml", QWEN3, ""),
        ("qwen3_xml", CODER, ""),
        ("qwen3_coder", CODER, ""),
        ("glm45", GLM, ""),
        ("mistral", MISTRAL, ""),
        ("qwen3_coder", QWEN3, "hermes (or qwen3_xml, "),
        ("hermes", CODER, "qwen3_xml (or qwen3_coder, "),
        ("hermes", GLM, "glm45 (or glm47, "),
        ("llama3_json", MISTRAL, "mistral"),
        ("mistral", LLAMA, "llama3_json (or "),
    ],
)
def test_the_hint_names_the_parser_that_fits(parser: str, template: str, fits: str) -> None:
    [(state, hint)] = states(parser, template)
    assert state == ("failure" if fits else "pass")
    assert hint.startswith(f"--set tool_call_parser={fits}" if fits else "")


def test_nothing_is_said_of_a_template_or_a_recipe_without_tools() -> None:
    assert states("hermes", "{% for m in messages %}{{ m.content }}{% endfor %}") == []
    assert states("hermes", "") == []
    assert list(parser_findings({}, QWEN3, "mine")) == []


def asked(args: dict[str, Any], text: str = QWEN3) -> tuple[str, list[Any]]:
    """The template, and what the host was asked."""
    requests: list[Any] = []

    def guarded(node: Node, request: Any) -> Any:
        requests.append(request["request"])
        return {"hangs": False, "code": 0, "out": json.dumps({"file": "f", "text": text})}

    found = template_of(Script(answers={"cluster.host.guarded": guarded}), MODEL, args)
    return found, requests


def test_the_host_is_asked_only_where_there_is_something_to_compare() -> None:
    hermes = {"tool_call_parser": "hermes"}
    assert asked(hermes) == (QWEN3, [{"folder": "/cache/model", "template": ""}])
    assert asked({**hermes, "chat_template": "~/own.jinja"})[1][0]["template"] == "~/own.jinja"
    assert asked({**hermes, "chat_template": "{{ messages }}"}) == ("{{ messages }}", [])
    for args in (
        {},
        {"tool_call_parser": "one_of_tomorrow"},
        {**hermes, "tool_parser_plugin": "/mine.py"},
        {**hermes, "tokenizer": "another/one"},
    ):
        assert asked(args) == ("", [])


def test_our_parser_stands_in_for_qwen3_xml_alone() -> None:
    assert needs_own_parser(load_recipe("awq-235b").args)
    assert not needs_own_parser({"tool_call_parser": "qwen3_xml", "tool_parser_plugin": "/mine.py"})
    using = {name for name in recipe_names() if needs_own_parser(load_recipe(name).args)}
    assert using >= {"awq-235b", "tiny-talks"}


def read(folder: Path, capsys: pytest.CaptureFixture[str], template: str = "") -> Any:
    chat_template.main({"folder": str(folder), "template": template})
    return json.loads(capsys.readouterr().out)


def test_the_template_is_found_where_transformers_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the weakest place to the strongest; each takes the place of those before."""
    assert read(tmp_path, capsys) == {"file": "", "text": ""}
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text('{"chat_template": "one"}')
    assert read(tmp_path, capsys)["text"] == "one"
    several = [{"name": "default", "template": "two"}, {"name": "tool_use", "template": "three"}]
    settings.write_text(json.dumps({"chat_template": several}))
    assert read(tmp_path, capsys)["text"] == "three"
    (tmp_path / "chat_template.json").write_text('{"chat_template": "four"}')
    assert read(tmp_path, capsys)["text"] == "four"
    (tmp_path / "chat_template.jinja").write_text("five")
    assert read(tmp_path, capsys)["text"] == "five"
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates/tool_use.jinja").write_text("six")
    assert read(tmp_path, capsys)["text"] == "six"
    (tmp_path / "mine.jinja").write_text("seven")
    assert read(tmp_path, capsys, str(tmp_path / "mine.jinja"))["text"] == "seven"


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{}", '"x"', '{"chat_template": null}', '{"chat_template": [1]}', "{" * 9000],
)
def test_a_damaged_file_is_no_template(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokenizer_config.json").write_text(text)
    assert read(tmp_path, capsys)["text"] == ""


def test_tiny_talks_has_the_template_that_its_recipe_is_made_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = read(ROOT / "orchestrator/models/tiny_talks", capsys)["text"]
    args = load_recipe("tiny-talks").args
    assert [each.state for each in parser_findings(args, text, "tiny-talks")] == ["pass"]
