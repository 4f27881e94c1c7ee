"""What vLLM's own classes make of texts that a model has written: run with the vLLM under test.

`python -m tests.support.vllm_reads TOKENIZER PARSER PLUGIN`; input: {name: text}; output: "own" of
vLLM and "ours" with the plugin, each {name: {way: {"text", "reasoning", "calls": [[name,
arguments]]}}}. The ways: whole, and streamed by one token, by four, and all at once; each again
behind the reasoning parser of Qwen3.
"""

import json
import sys
from typing import Any

from transformers import AutoTokenizer
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.parser.parser_manager import ParserManager
from vllm.tool_parsers import ToolParserManager

PROPERTIES = {"city": {"type": "string"}, "days": {"type": "integer"}}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": PROPERTIES},
    },
}
REQUEST = ChatCompletionRequest(
    model="m", messages=[{"role": "user", "content": "?"}], tools=[TOOL], tool_choice="auto"
)
STEPS = {"by one": 1, "by four": 4, "at once": 10_000}
REASONING = {"": None, ", reasoning": "qwen3"}


def main() -> None:
    folder, name, plugin = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = json.load(sys.stdin)
    own = {key: ways(tokenizer, name, text) for key, text in texts.items()}
    for _ in range(2):  # as vLLM does
        ToolParserManager.import_tool_parser(plugin)
    ours = {key: ways(tokenizer, name, text) for key, text in texts.items()}
    print(json.dumps({"own": own, "ours": ours}))


def ways(tokenizer: Any, name: str, text: str) -> dict[str, Any]:
    found = {}
    for label, reasoning in REASONING.items():
        parser = ParserManager.get_parser(
            tool_parser_name=name,
            reasoning_parser_name=reasoning,
            enable_auto_tools=True,
            tokenizer=tokenizer,
        )
        said = f"<think>\nhm\n</think>\n\n{text}" if reasoning else text
        found[f"whole{label}"] = whole(parser(tokenizer, REQUEST.tools), said)
        for way, step in STEPS.items():
            one = parser(tokenizer, REQUEST.tools)
            found[way + label] = streamed(one, tokenizer, said, step)
    return found


def whole(parser: Any, text: str) -> dict[str, Any]:
    request = parser.adjust_request(REQUEST.model_copy(deep=True))
    reasoning, content, calls = parser.parse(text, request, enable_auto_tools=True)
    made = [[each.name, each.arguments] for each in calls or ()]
    return {"text": content or "", "reasoning": reasoning or "", "calls": made}


def streamed(parser: Any, tokenizer: Any, text: str, step: int) -> dict[str, Any]:
    request = parser.adjust_request(REQUEST.model_copy(deep=True))
    tokens = tokenizer.encode(text)
    parts = [tokens[place : place + step] for place in range(0, len(tokens), step)]
    sent, told = 0, ""
    found: dict[str, Any] = {"text": "", "reasoning": ""}
    calls: dict[int, list[str]] = {}
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        sent += len(part)
        new = tokenizer.decode(tokens[:sent]).removesuffix("\N{REPLACEMENT CHARACTER}")[len(told) :]
        told += new
        delta = parser.parse_delta(new, part, request, prompt_token_ids=[1], finished=last)
        if delta is None:
            continue
        found["text"] += delta.content or ""
        found["reasoning"] += delta.reasoning or ""
        for each in delta.tool_calls or ():
            made = calls.setdefault(each.index, ["", ""])
            made[0] += each.function.name or ""
            made[1] += each.function.arguments or ""
    return {**found, "calls": [calls[index] for index in sorted(calls)]}


if __name__ == "__main__":
    main()
