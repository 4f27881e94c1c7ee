"""`test tools` from the command line, against a scripted server that errs in one way at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.served.script import Answer, Broken, Delivery, Request, Script, Status, Tool
from tests.served.server import serving
from tests.support.tools_scripts import (
    GOOD,
    HELLO,
    PARIS,
    ROME,
    TABLE,
    args,
    calls,
    model,
    streamed_only,
)
from tests.support.typed import exit_code

Printed = pytest.CaptureFixture[str]
TIME = Tool("get_time", '{"city": "Paris"}')
XML = "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>"
REFUSED = Status(
    400,
    json.dumps(
        {
            "error": {
                "message": '"auto" tool choice requires --enable-auto-tool-choice and '
                "--tool-call-parser to be set",
                "type": "BadRequestError",
                "code": 400,
            }
        }
    ),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(url: str, *words: str) -> int:
    words = ("test", "tools", "--url", url, *words)
    return exit_code(*words)


def outcome_of(script: Script, capsys: Printed) -> tuple[int, dict[str, Any]]:
    """The exit code, and the findings by their check."""
    with serving(script) as server:
        code = run(server.url, "--json")
    report = json.loads(capsys.readouterr().out)
    return code, {each["check"]: each for each in report["findings"]}


def test_a_model_that_uses_its_tools_passes(capsys: Printed, folder: Path) -> None:
    with serving(model()) as server:
        assert run(server.url, "--json") == 0
        sent = [request for request in server.heard if request.body]
    report = json.loads(capsys.readouterr().out)
    assert {each["state"] for each in report["findings"]} == {"pass"}
    names = [name for name in GOOD if name != "raw text"]
    checks = {each["check"] for each in report["findings"]}
    assert checks == {*names, *(f"{name}, streamed" for name in names)}
    assert {request.body["temperature"] for request in sent} == {0}
    assert len([request for request in sent if request.streams]) == len(sent) / 2
    [kept] = (folder / "artifacts" / "test-tools").glob("*-tiny/result.json")
    assert json.loads(kept.read_text())["result"] == report
    lines = (kept.parent / "answers.jsonl").read_text().splitlines()
    assert {json.loads(line)["check"] for line in lines} == checks


def test_the_second_turn_answers_the_call_that_the_server_made() -> None:
    with serving(model()) as server:
        assert run(server.url) == 0
        turns = [r.body["messages"] for r in server.heard if len(r.body.get("messages", ())) > 1]
    assert len(turns) == 2
    _, said, result = turns[0]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == PARIS.id
    assert said["tool_calls"][0]["function"]["arguments"] == PARIS.arguments


def test_forced_calls_ask_for_strict_tools() -> None:
    with serving(model()) as server:
        run(server.url)
        bodies = [request.body for request in server.heard if request.body]
    strict = {"auto": False, "required": True, "by name": True}
    for body in bodies:
        choice = body["tool_choice"] if isinstance(body["tool_choice"], str) else "by name"
        held = {tool["function"].get("strict", False) for tool in body["tools"]}
        assert held == {strict[choice]}


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("one call", calls(args(PARIS, '{"city": "Par')), "not valid JSON"),
        ("one call", calls(args(PARIS, '{"city": "Paris", "unit": "K"}')), "'K' is not one of"),
        ("one call", calls(Tool("get_news", "{}")), "`get_news` is not one of the tools"),
        ("one call", calls(Tool("", "{}")), "it names no tool"),
        ("one call", calls(Tool("get_time", TIME.arguments, "")), "it has no id"),
        ("one call", calls(PARIS, finish_reason="weird"), "finish_reason is `weird`"),
        ("one call", Answer(""), "neither a call nor text"),
        ("one call", calls(PARIS, finish_reason="length"), "cut off at the token limit"),
        ("one call", Status(500), "server error: HTTP 500"),
        ("several calls", calls(PARIS, PARIS), "two calls have the same id"),
        ("several calls", calls(PARIS, args(ROME, "[]")), "call 2: the arguments of get_weather"),
        ("several calls", calls(PARIS, text=f" {XML}"), "raw <function=get_weather> was left"),
        ("typed arguments", calls(args(TABLE, '{"guests": "4"}')), "'4' is not of type 'integer'"),
        ("required", HELLO, "no tool was called, though tool_choice requires it: 'Hello.'"),
        ("by name", HELLO, "no tool was called, though tool_choice requires it: 'Hello.'"),
        ("by name", calls(PARIS), "get_weather was called, though tool_choice names get_time"),
        ("no tool needed", Answer(""), "neither a call nor text"),
        ("second turn", Answer(" "), "neither a call nor text"),
        ("second turn", Status(400, '{"detail": "bad id"}'), "refused: HTTP 400: bad id"),
    ],
)
def test_a_fault_fails_its_question_alone(
    question: str, answer: Delivery, said: str, capsys: Printed
) -> None:
    code, found = outcome_of(model(**{question.replace(" ", "_"): answer}), capsys)
    bad = {check for check, each in found.items() if each["state"] == "failure"}
    assert code == 1
    assert bad == {question, f"{question}, streamed"}
    assert said in found[question]["what"]
    assert said in found[f"{question}, streamed"]["what"]


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("one call", Answer("It is sunny."), "the model called no tool, but wrote 'It is sunny.'"),
        ("one call", calls(PARIS, ROME), "the model made 2 calls where one was asked for"),
        ("several calls", calls(PARIS), "the model made one call where several were asked for"),
        ("no tool needed", calls(TIME), "the model called a tool that was not needed"),
        ("second turn", HELLO, "does not use the tool's result"),
        ("second turn", calls(PARIS), "the model called a tool that was not needed"),
    ],
)
def test_what_a_model_may_do_is_a_warning(
    question: str, answer: Delivery, said: str, capsys: Printed
) -> None:
    code, found = outcome_of(model(**{question.replace(" ", "_"): answer}), capsys)
    assert code == 0
    assert {each["state"] for each in found.values()} == {"pass", "warning"}
    assert found[question]["state"] == "warning"
    assert said in found[question]["what"]


def test_nothing_is_proven_where_auto_never_brings_a_call(capsys: Printed) -> None:
    wrong = {"one_call": HELLO, "several_calls": HELLO, "typed_arguments": HELLO}
    code, found = outcome_of(model(**wrong), capsys)
    assert code == 1
    bad = [check for check, each in found.items() if each["state"] == "failure"]
    assert bad == ["auto"]
    assert "this proves nothing" in found["auto"]["what"]


def test_the_stream_that_loses_what_the_whole_answer_has(capsys: Printed) -> None:
    """Told by the number of tokens: the same generation, and other calls."""
    wrong = streamed_only("several calls", calls(PARIS, text=" "))
    good = model(several_calls=lambda r: wrong(r) if r.streams else calls(PARIS, ROME, text=" "))
    code, found = outcome_of(good, capsys)
    assert code == 1
    bad = [check for check, each in found.items() if each["state"] == "failure"]
    assert bad == ["several calls, streamed"]
    assert "from the same 1 tokens the stream gave get_weather" in found[bad[0]]["what"]


def test_a_stream_that_broke_in_the_middle_of_a_call(capsys: Printed) -> None:
    wrong = streamed_only("one call", Broken(calls(PARIS), 2))
    code, found = outcome_of(model(one_call=wrong), capsys)
    assert code == 1
    assert found["one call"]["state"] == "pass"
    assert "broken: the connection broke" in found["one call, streamed"]["what"]


def test_the_wrong_parser_is_named_with_the_right_one(capsys: Printed) -> None:
    raw = Answer(XML)
    code, found = outcome_of(model(one_call=raw, several_calls=raw, typed_arguments=raw), capsys)
    assert code == 1
    assert "--set tool_call_parser=qwen3_xml" in found["one call"]["hint"]
    assert "auto" not in found


def test_a_server_without_tools_is_told_how_to_have_them(capsys: Printed) -> None:
    def script(request: Request) -> Delivery:
        if request.body["tool_choice"] != "none":
            return REFUSED
        assert request.body["skip_special_tokens"] is False
        return Answer(XML)

    code, found = outcome_of(script, capsys)
    assert code == 1
    enable = "--set enable_auto_tool_choice=true --set tool_call_parser="
    assert f"{enable}NAME" in found["one call"]["hint"]
    assert f"{enable}qwen3_xml" in found["raw text"]["hint"]
    assert "writes its call as <function=get_weather>" in found["raw text"]["what"]


def test_calls_that_a_parser_hides_are_found(capsys: Printed) -> None:
    """Special tokens are left out of the text, so that there seems to be no call."""
    hidden = Answer('[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}}]')
    code, found = outcome_of(model(one_call=Answer("Paris"), raw_text=hidden), capsys)
    assert code == 1
    assert found["one call"]["state"] == "warning"
    assert "--set tool_call_parser=mistral" in found["raw text"]["hint"]


@pytest.mark.parametrize("status", [401, 429])
def test_a_server_that_turns_us_away_is_asked_once(status: int, capsys: Printed) -> None:
    with serving(Status(status)) as server:
        assert run(server.url) == 1
        assert server.generations == 1
    assert f"HTTP {status}" in capsys.readouterr().out


def test_what_several_questions_have_wrong_is_printed_once(capsys: Printed) -> None:
    raw = Answer(XML)
    with serving(model(one_call=raw, several_calls=raw, typed_arguments=raw)) as server:
        assert run(server.url) == 1
    printed = capsys.readouterr().out
    assert printed.count("raw <function=get_weather> was left") == 1
    assert "6 checks: one call, ..., typed arguments, streamed" in printed
    assert printed.count("hint: serve it again with --set tool_call_parser=qwen3_xml") == 1


def test_a_server_that_fails_every_question_alike_has_one_row(capsys: Printed) -> None:
    with serving(Status(500)) as server:
        assert run(server.url) == 1
        assert server.generations == 14
    printed = capsys.readouterr().out
    assert printed.count("HTTP 500") == 1
    assert "14 checks: one call, ..., second turn, streamed" in printed


def test_a_model_cannot_write_to_the_terminal(capsys: Printed) -> None:
    colours = Tool("\x1b[31m", "{}")
    with serving(model(required=calls(colours))) as server:
        assert run(server.url) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "`\\x1b[31m` is not one of the tools" in printed
