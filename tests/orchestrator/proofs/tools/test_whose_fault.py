"""`test tools` against servers that err in how they read, or send, what the model rightly wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.api.errors import ALL_REASONING
from orchestrator.api.tool_parts import NO_INDEX, NOT_TEXT, NUMBER_ID, REPEATED_NAME
from orchestrator.proofs.tools.judge import OTHER_PARSER
from tests.orchestrator.proofs.tools.test_tools import Printed, outcome_of
from tests.served.script import Answer, Delivery, Edited
from tests.support.tools_scripts import (
    GOOD,
    PARIS,
    ROME,
    args,
    calls,
    in_calls,
    model,
    streamed_only,
    whole_only,
)

GARBLED = calls(args(PARIS, '{"city": "Par{"city": "Paris"}'))
STREAMING = f"a bug in the parser's streaming: {OTHER_PARSER}"
READING = f"a bug in how the parser reads a whole answer: {OTHER_PARSER}"
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GARBLED, "not valid JSON"),
        (calls(PARIS, PARIS), "two calls have the same id"),
        (Answer('<tool_call>{"name": "get_weather"'), "raw <tool_call> was left in the text"),
        (Answer(""), "neither a call nor text"),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
def test_what_the_twin_has_right_is_not_the_models_fault(
    wrong: Delivery, said: str, streams: bool, capsys: Printed
) -> None:
    one_way = (streamed_only if streams else whole_only)("one call", wrong)
    code, found = outcome_of(model(one_call=one_way), capsys)
    assert code == 1
    bad = [check for check, each in found.items() if each["state"] == "failure"]
    assert bad == ["one call, streamed" if streams else "one call"]
    what, hint = found[bad[0]]["what"], found[bad[0]]["hint"]
    assert said in what
    assert ("the whole answer" if streams else "the streamed answer") in what
    assert what.endswith(f"is right: get_weather {PARIS.arguments}")
    assert (STREAMING if streams else READING).removeprefix("a ") in hint
    assert "the model's mistake" not in hint


def test_where_both_are_wrong_it_is_not_the_streaming(capsys: Printed) -> None:
    wrong = calls(args(PARIS, '{"city": 7, "unit": "celsius"}'))
    _, found = outcome_of(model(one_call=wrong), capsys)
    for check in ("one call", "one call, streamed"):
        assert "the model's mistake" in found[check]["hint"]


def test_two_texts_of_the_model_leave_a_doubt(capsys: Printed) -> None:
    wrong = calls(args(PARIS, "{"), text="Let me look")
    _, found = outcome_of(model(one_call=streamed_only("one call", wrong)), capsys)
    one = found["one call, streamed"]
    assert "the whole answer, of 0 tokens and not 3, is right" in one["what"]
    assert one["hint"] == f"perhaps {STREAMING}"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda call: call.pop("index", None), NO_INDEX),
        (lambda call: call.update(index=None), NO_INDEX),
        (lambda call: call.update(id=7), NUMBER_ID),
        (lambda call: call["function"].update(name="get_weather"), REPEATED_NAME),
    ],
)
@pytest.mark.parametrize("question", ["one call", "several calls"])
def test_parts_that_clients_cannot_join_fail_by_name(
    edit: Edit, said: str, question: str, capsys: Printed
) -> None:
    delivery = Edited(GOOD[question], in_calls(edit))
    wrong = {question.replace(" ", "_"): streamed_only(question, delivery)}
    code, found = outcome_of(model(**wrong), capsys)
    assert code == 1
    assert found[question]["state"] == "pass"
    one = found[f"{question}, streamed"]
    assert one["state"] == "failure"
    assert said in one["what"]
    assert "the model" not in one["what"] + one["hint"]


def test_parallel_calls_without_an_index_are_not_merged(capsys: Printed) -> None:
    delivery = Edited(calls(PARIS, ROME), in_calls(lambda call: call.pop("index", None)))
    _, found = outcome_of(model(several_calls=streamed_only("several calls", delivery)), capsys)
    assert found["several calls, streamed"]["what"] == (
        f"{NO_INDEX}; the whole answer is right: "
        f"get_weather {PARIS.arguments}, get_weather {ROME.arguments}"
    )


def test_arguments_that_are_no_text_fail(capsys: Printed) -> None:
    def as_object(call: dict[str, Any]) -> None:
        call["function"]["arguments"] = {"city": "Paris", "unit": "celsius"}

    delivery = Edited(GOOD["one call"], in_calls(as_object))
    code, found = outcome_of(model(one_call=whole_only("one call", delivery)), capsys)
    assert code == 1
    assert NOT_TEXT in found["one call"]["what"]


def test_what_came_as_reasoning_is_the_reasoning_parsers(capsys: Printed) -> None:
    said = Answer("", reasoning="It may rain in Paris.")
    _, found = outcome_of(model(no_tool_needed=said), capsys)
    assert found["no tool needed"]["hint"] == ALL_REASONING
    assert "but reasoning: 'It may rain in Paris.'" in found["no tool needed"]["what"]


def test_a_call_within_the_reasoning_is_told(capsys: Printed) -> None:
    thought = Answer("", reasoning='<tool_call>{"name": "get_weather"}</tool_call>')
    _, found = outcome_of(model(one_call=thought), capsys)
    assert "raw <tool_call> came as reasoning" in found["one call"]["what"]
    assert "does the reasoning_parser fit the model?" in found["one call"]["hint"]


def test_a_refusal_is_the_models(capsys: Printed) -> None:
    def refuse(part: dict[str, Any]) -> dict[str, Any]:
        for choice in part["choices"]:
            (choice.get("delta") or choice.get("message") or {})["refusal"] = "I won't."
        return part

    _, found = outcome_of(model(no_tool_needed=Edited(Answer(""), refuse)), capsys)
    assert 'the model refuses: "I won\'t."' in found["no tool needed"]["what"]
