"""The parser of tool calls: which one the model needs, and our own that vLLM is given.

vLLM's own `qwen3_xml` gives neither a call nor a text for the JSON form of Qwen3 and Hermes; in its
place stands orchestrator/host/vllm_tool_parser.py, which reads both.
"""

from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter

from cluster.checks.shared_cache import ask_cache
from cluster.finding import Finding
from cluster.transport.call import HostProgram
from cluster.transport.protocol import Transport
from orchestrator.models.cache import ModelFiles
from orchestrator.models.tool_markup import FORMATS, parser_setting, tagged
from orchestrator.recipes.layer import Value
from orchestrator.serving.vllm import PLUGIN

TEMPLATE = HostProgram("orchestrator.host.chat_template", TypeAdapter(dict[str, str]))
ELSEWHERE = ("tokenizer", "tokenizer_mode")  # the template is then not the one of the folder


def template_of(transport: Transport, model: ModelFiles, args: Mapping[str, Value]) -> str:
    """The chat template, read on a host; empty where none tells anything of a parser."""
    given = str(args.get("chat_template") or "")
    if not is_compared(args) or model.problem:
        return ""
    if "{" in given:  # vLLM takes the template itself, too
        return given
    request = {"folder": model.path, "template": given}
    return ask_cache(transport, model.host, TEMPLATE, request).get("text", "")


def is_compared(args: Mapping[str, Value]) -> bool:
    """Whether the parser is one of those that a format of ours names, and none of the user's."""
    known = {parser for each in FORMATS for parser in each.parsers}
    elsewhere = any(args.get(key) for key in (PLUGIN, *ELSEWHERE))
    return args.get("tool_call_parser") in known and not elsewhere


def parser_findings(args: Mapping[str, Value], template: str, where: str) -> Iterator[Finding]:
    """The recipe's parser against what the chat template has the model write; pure."""
    parser = str(args.get("tool_call_parser") or "")
    markup = tagged(template)
    if not parser or markup is None:
        return
    if parser in markup.parsers:
        yield Finding("parser", where, "pass", f"{parser} reads {markup.excerpt}")
        return
    yield Finding(
        "parser",
        where,
        "failure",
        f"the chat template has the model write a tool call as {markup.excerpt}, "
        f"and the parser {parser} does not read that",
        parser_setting(markup.parsers),
    )
