"""Which parser reads what a model writes; the parsers are those of the real vLLM."""

import json

import pytest

from orchestrator.models.tool_markup import FORMATS, Markup, dropped_by, find_markup
from orchestrator.proofs.tools.judge import parser_hint, raw_markup_fault
from tests.support.folders import CAPTURED

ARGUMENTS = CAPTURED / "vllm-0.32-arguments.json"
TOOLS = ("get_weather", "get_time")
JSON = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
LLAMA = '{"name": "get_weather", "parameters": {"city": "Paris"}}'
BAR = "\N{FULLWIDTH VERTICAL LINE}"


@pytest.mark.parametrize(
    ("text", "parser"),
    [
        (f"<tool_call>\n{JSON}\n</tool_call>", "hermes"),
        ("<tool_call>\n<function=get_weather>\n<parameter=city>", "qwen3_xml"),
        ("<tool_call>get_weather\n<arg_key>city</arg_key>", "glm45"),
        (f"[TOOL_CALLS][{JSON}]", "mistral"),
        (f"[TOOL_CALLS]get_weather{JSON}", "mistral"),
        (f"<|python_tag|>{LLAMA}", "llama3_json"),
        (LLAMA, "llama3_json"),
        (f"[{JSON}]", "xlam"),
        (f"```json\n{JSON}\n```", "xlam"),
        ('[get_weather(city="Paris"), get_time(city="Paris")]', "pythonic"),
        ('<|python_start|>[get_weather(city="Paris")]', "llama4_pythonic"),
        (f"<{BAR}tool▁calls▁begin{BAR}><{BAR}tool▁call▁begin{BAR}>function", "deepseek_v3"),
        (f'<{BAR}DSML{BAR}function_calls>\n<{BAR}DSML{BAR}invoke name="x">', "deepseek_v32"),
        ("<|tool_calls_section_begin|><|tool_call_begin|>functions.get_time:0", "kimi_k2"),
        ('<minimax:tool_call>\n<invoke name="get_time">', "minimax_m2"),
        ("<seed:tool_call>\n<function=get_time>", "seed_oss"),
        ("<|channel|>commentary to=functions.get_time <|constrain|>json", "openai"),
        (f"functools[{JSON}]", "phi4_mini_json"),
        (f"<|tool_call|>[{JSON}]", "granite"),
    ],
)
def test_the_format_names_its_parser(text: str, parser: str) -> None:
    found = find_markup(f"Let me look. {text}" if "<" in text else text, TOOLS)
    assert found
    assert found.parsers[0] == parser


@pytest.mark.parametrize(
    "text",
    [
        "It is 17 degrees.",
        '{"name": "Ada", "arguments": {}}',
        "[1, 2]",
        "[]",
        "{",
        "get_weather(city) is a function",
        "if a <b> and x [TOOL]",
    ],
)
def test_other_text_is_no_call(text: str) -> None:
    assert find_markup(text, TOOLS) is None


def test_every_parser_is_one_of_vllm() -> None:
    known = set(json.loads(ARGUMENTS.read_text())["tool_parsers"])
    assert {name for each in FORMATS for name in each.parsers} <= known
    texts = (JSON, LLAMA, '[get_time(city="a")]')
    assert {
        name for text in texts for name in (find_markup(text, TOOLS) or FORMATS[0]).parsers
    } <= known


def test_a_parser_that_reads_the_format_is_not_called_wrong() -> None:
    markup = Markup("<tool_call>", ("hermes", "qwen3_json"))
    assert "though hermes reads that format" in raw_markup_fault(markup, "hermes").what
    fault = raw_markup_fault(markup, "mistral")
    assert "the parser mistral does not read" in fault.what
    assert "--set tool_call_parser=hermes (or qwen3_json), in place of mistral" in fault.hint


def test_where_a_parser_drops_a_call_without_a_trace_the_form_that_it_cannot_read_is_named() -> (
    None
):
    """vLLM's own qwen3_coder takes `<tool_call>{...}` out of the text, and makes no call of it."""
    hint = parser_hint(dropped_by("qwen3_coder"), "qwen3_coder")
    assert "--set tool_call_parser=hermes (or qwen3_xml, " in hint
    assert "qwen3_xml" not in parser_hint(dropped_by("qwen3_xml"), "qwen3_xml").partition(", in")[0]
    assert dropped_by("hermes") is None
    assert "tool_call_parser=NAME" in parser_hint(None, "hermes")
