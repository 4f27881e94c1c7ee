"""How models write tool calls as text, and which of vLLM's parsers reads it; pure.

The patterns follow vLLM 0.32, vllm/tool_parsers/ and vllm/parser/; `qwen3_xml` is ours, which reads
the form of hermes, too: orchestrator/host/vllm_tool_parser.py.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Markup:
    """How a format begins, and the parsers that read it, the most likely one first."""

    excerpt: str
    parsers: tuple[str, ...]


@dataclass(frozen=True)
class MarkupFormat:
    pattern: re.Pattern[str]
    parsers: tuple[str, ...]


def parser_setting(parsers: Sequence[str]) -> str:
    """What to type for the first of these parsers, and which others there are."""
    best, *others = parsers
    return f"--set tool_call_parser={best}" + (f" (or {', '.join(others)})" if others else "")


def markup_format(pattern: str, *parsers: str) -> MarkupFormat:
    return MarkupFormat(re.compile(pattern), parsers)


BAR = "\N{FULLWIDTH VERTICAL LINE}"
FORMATS = (  # the first match counts, so the order matters where one wraps another
    markup_format(r"<seed:tool_call>", "seed_oss"),
    markup_format(r"<function=[^<>]*>", "qwen3_xml", "qwen3_coder", "mimo", "step3p5"),
    markup_format(r"<arg_key>", "glm45", "glm47", "poolside_v1"),
    markup_format(r"<\|tool_call\|>", "granite"),
    markup_format(r"<\|tool_call>", "gemma4"),
    markup_format(r"<minimax:tool_call>", "minimax_m2"),
    markup_format(r"<longcat_tool_call>", "longcat"),
    markup_format(r"<ifm\|tool_calls?>", "k2_horizon"),
    markup_format(
        r"<tool_call>", "hermes", "qwen3_xml", "qwen3_json", "granite4", "ernie45", "xlam"
    ),
    markup_format(r"\[TOOL_CALLS\]", "mistral"),
    markup_format(r"<\|python_tag\|>", "llama3_json", "llama4_json"),
    markup_format(r"<\|python_start\|>", "llama4_pythonic"),
    markup_format(f"<{BAR}tool▁calls?▁begin{BAR}>", "deepseek_v3", "deepseek_v31"),
    markup_format(f"<{BAR}DSML{BAR}", "deepseek_v32", "deepseek_v4", "deepseek_v41"),
    markup_format(f"<{BAR}tool_calls?_begin{BAR}>", "step3"),
    markup_format(r"<\|tool_calls?_(?:section_)?begin\|>", "kimi_k2"),
    markup_format(r"<\|tool_call_start\|>", "lfm2"),
    markup_format(r"<\|action_start\|>", "internlm"),
    markup_format(r"<\|tools_prefix\|>", "apertus"),
    markup_format(r"<\|START_ACTION\|>", "cohere_command3", "cohere_command4"),
    markup_format(r"<\|channel\|>commentary", "openai"),
    markup_format(r"<\|function_call\|>|function call<\|role_sep\|>", "gigachat3"),
    markup_format(r"<tool_calls>", "hunyuan_a13b", "jamba"),
    markup_format(r"<function_calls>", "olmo3"),
    markup_format(r"<function_call>", "granite-20b-fc"),
    markup_format(r"<start_function_call>", "functiongemma"),
    markup_format(r"<dots_function_call>", "dots"),
    markup_format(r"<function name=", "minicpm5"),
    markup_format(r"functools\[", "phi4_mini_json"),
)


def find_markup(text: str, tools: Iterable[str]) -> Markup | None:
    """The first format found; bare JSON or Python only where it calls one of the tools."""
    return tagged(text) or json_call(text, set(tools)) or python_call(text, tools)


def tagged(text: str) -> Markup | None:
    """The first format found, in an answer or in a chat template that shows how to write it."""
    for each in FORMATS:
        if found := each.pattern.search(text):
            return Markup(found[0], each.parsers)
    return None


def dropped_by(parser: str) -> Markup | None:
    """What a parser takes out of the text without making a call of it: JSON within the tags that
    vLLM's XML parsers know.
    """
    example = tagged("<function=f>")
    return tagged("<tool_call>") if example and parser in example.parsers else None


def json_call(text: str, tools: set[str]) -> Markup | None:
    """The text is one call, or a list of calls, as JSON."""
    try:
        value = json.loads(text.strip().removeprefix("```json").strip("`"))
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict) or value.get("name") not in tools:
        return None
    if "parameters" in value:
        return Markup('{"name": ..., "parameters": ...}', ("llama3_json", "llama4_json"))
    return Markup('{"name": ..., "arguments": ...}', ("xlam", "llama3_json"))


def python_call(text: str, tools: Iterable[str]) -> Markup | None:
    names = "|".join(map(re.escape, tools))
    found = re.search(rf"\[\s*(?:{names})\(\w+\s*=", text)
    return Markup(found[0] + "...", ("pythonic", "llama4_pythonic")) if found else None
