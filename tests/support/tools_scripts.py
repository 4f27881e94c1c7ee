"""A scripted model that uses tools well, and ways to make it do one thing wrong."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.served.script import Answer, Delivery, Request, Script, Tool

PARIS = Tool("get_weather", '{"city": "Paris", "unit": "celsius"}', "call-1")
ROME = Tool("get_weather", '{"city": "Rome", "unit": "celsius"}', "call-2")
ADDRESS = {"street": "12 Rue Cler", "city": "Paris"}
BOOKING = {"guests": 4, "terrace": True, "dishes": ["soup", "fish"], "address": ADDRESS}
TABLE = Tool("book_table", json.dumps(BOOKING), "call-3")
HELLO = Answer("Hello.")
GOOD: Mapping[str, Answer] = {
    "one call": Answer("", tools=(PARIS,)),
    "several calls": Answer("", tools=(PARIS, ROME)),
    "typed arguments": Answer("", tools=(TABLE,)),
    "required": Answer("", tools=(PARIS,)),
    "by name": Answer("", tools=(Tool("get_time", '{"city": "Paris"}'),)),
    "no tool needed": HELLO,
    "second turn": Answer("It is 17 degrees in Paris, with rain."),
    "raw text": HELLO,
}


def question_of(request: Request) -> str:
    """Which of the questions it is, by what only that one has."""
    body: Mapping[str, Any] = request.body
    choice, messages = body["tool_choice"], body["messages"]
    asked = messages[0]["content"]
    if choice == "none":
        return "raw text"
    if messages[-1]["role"] == "tool":
        return "second turn"
    if isinstance(choice, dict):
        return "by name"
    if choice == "required":
        return "required"
    marks = {"Rome": "several calls", "Rue Cler": "typed arguments", "Paris": "one call"}
    return next((name for mark, name in marks.items() if mark in asked), "no tool needed")


def model(**wrong: Delivery | Callable[[Request], Delivery]) -> Script:
    """Right answers but for these; `one_call` stands for the question `one call`."""

    def script(request: Request) -> Delivery:
        name = question_of(request)
        found = wrong.get(name.replace(" ", "_"), GOOD[name])
        return found if not callable(found) else found(request)

    return script


def streamed_only(name: str, wrong: Delivery) -> Callable[[Request], Delivery]:
    return lambda request: wrong if request.streams else GOOD[name]


def whole_only(name: str, wrong: Delivery) -> Callable[[Request], Delivery]:
    return lambda request: GOOD[name] if request.streams else wrong


def in_calls(
    edit: Callable[[dict[str, Any]], object],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """For Edited: changes every tool call, or part of one."""

    def edited(part: dict[str, Any]) -> dict[str, Any]:
        for choice in part["choices"]:
            said = choice.get("delta") or choice.get("message") or {}
            for call in said.get("tool_calls") or ():
                edit(call)
        return part

    return edited


def calls(*tools: Tool, text: str = "", finish_reason: str = "stop") -> Answer:
    """What the server makes of `stop` is tool_calls."""
    return Answer(text, finish_reason, tools)


def args(tool: Tool, arguments: str) -> Tool:
    return replace(tool, arguments=arguments)
