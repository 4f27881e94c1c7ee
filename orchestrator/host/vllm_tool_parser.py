"""Reads tool calls in both forms that Qwen3 models write, under vLLM's own name `qwen3_xml`.

A vLLM plugin; lies in the service's folder, and vLLM imports it by `--tool-parser-plugin`. What
follows `<tool_call>` tells the form: after `{` vLLM's `hermes` reads the call, else vLLM's own
`qwen3_xml`, whole and streamed. A call that neither can read stays in the text. Seen with
vLLM 0.32.
"""

from __future__ import annotations

import re
from typing import Any

from vllm.entrypoints.generate.base.protocol import DeltaMessage
from vllm.tool_parsers import ToolParserManager

NAME = "qwen3_xml"
XML_CALL = "<function="
JSON_CALLS = re.compile(r"<tool_call>\s*\{(?:.*?</tool_call>|.*\Z)", re.DOTALL)
OWN = ToolParserManager.get_tool_parser(NAME)
XML = getattr(OWN, "xml_parser", OWN)  # vLLM may import a plugin twice
JSON = ToolParserManager.get_tool_parser("hermes")


class EitherForm(XML):  # type: ignore[misc, valid-type]
    """The XML parser reads all of the text and passes over JSON calls; hermes is shown these."""

    xml_parser = XML

    def __init__(self, tokenizer: Any, tools: Any = None, **options: Any) -> None:
        super().__init__(tokenizer, tools, **options)
        self.json_parser = JSON(tokenizer, tools)
        self.seen = ""
        self.numbers: dict[tuple[str, int], int] = {}  # (form, its own count) -> what is sent
        template = str(getattr(tokenizer, "chat_template", None) or XML_CALL)
        if XML_CALL not in template:  # where a call is forced, in the form that the model knows
            self.structural_tag_model = JSON.structural_tag_model

    def extract_tool_calls(self, model_output: str, request: Any) -> Any:
        found = super().extract_tool_calls(model_output, request)
        for text in JSON_CALLS.findall(model_output):
            read = self.json_parser.extract_tool_calls(text, request)
            found.tool_calls += read.tool_calls
            found.content = (found.content or "") + (read.content or "") or None
        found.tools_called = bool(found.tool_calls)
        return found

    def extract_tool_calls_streaming(
        self, previous_text: str, current_text: str, delta_text: str, *rest: Any
    ) -> Any:
        found = super().extract_tool_calls_streaming(previous_text, current_text, delta_text, *rest)
        self.seen += delta_text
        text = "".join(JSON_CALLS.findall(self.seen))
        read, (*_, request) = None, rest
        if text:
            read = self.json_parser.extract_tool_calls_streaming("", text, "", (), (), (), request)
        return self.joined(found, read)

    def joined(self, found: Any, read: Any) -> Any:
        """One message of both; calls are counted in the order in which they begin."""
        for form, part in (("xml", found), ("json", read)):
            for call in part.tool_calls or () if part else ():
                call.index = self.numbers.setdefault((form, call.index), len(self.numbers))
        if not found or not read:
            return found or read
        found.tool_calls = [*(found.tool_calls or ()), *(read.tool_calls or ())]
        return found

    def get_remaining_unstreamed_args(self) -> str:
        calls = self.json_parser.prev_tool_call_arr
        if calls and "name" in calls[-1]:
            return str(self.json_parser.get_remaining_unstreamed_args())
        return str(super().get_remaining_unstreamed_args())

    def finish_streaming(self) -> Any:
        """What is left: a JSON call of which not even the name could be read is told as text."""
        found = super().finish_streaming()
        begun = sum("name" in call for call in self.json_parser.prev_tool_call_arr)
        lost = "".join(JSON_CALLS.findall(self.seen)[begun:])
        if lost:
            found = found or DeltaMessage()
            found.content = (found.content or "") + lost
        return found


ToolParserManager.register_module(NAME, force=True, module=EitherForm)
