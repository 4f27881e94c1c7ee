"""The one door for what hosts say: bounded, typed, and one error with host, program and fault."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from cluster.errors import HostError
from cluster.runtimes.log import LOG_EVENTS, Ended, Exit, Line
from cluster.transport.answers import OBJECT, ProgramDied, answers, parsed
from cluster.transport.call import HostProgram, call, call_guarded, guarded_answer
from cluster.transport.local import Local
from cluster.transport.program import PROGRAM_DIED, program, source_of
from tests.support.factory import config_of
from tests.support.scripted import END, Script

HEAD = config_of().head
NAME = "cluster.host.probe"
COUNTS = HostProgram(NAME, TypeAdapter(dict[str, int]))
DIED = {PROGRAM_DIED: "/home: No space left on device"}


def said(*lines: Any) -> list[Any]:
    session = Script(talks={NAME: [*lines, END]}).session(HEAD, program(NAME, {}))
    return list(answers(session, LOG_EVENTS, 5))


def asked(answer: Any) -> dict[str, int]:
    return call(Script(answers={NAME: lambda node, request: answer}), HEAD, COUNTS, {})


@pytest.mark.parametrize(
    "text", ["NaN", "-Infinity", "1e400", "9" * 30, "9" * 5000, "[" * 99_999, "", "{'a': 1}"]
)
def test_no_number_and_no_depth_that_no_host_has(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|deep|Expecting|digits"):
        parsed(f"[{text}]" if text else "")


def test_names_that_are_not_utf_8_can_be_printed() -> None:
    assert parsed('{"a\\uDCff": ["\\udcfe"]}') == {"a?": ["?"]}


def test_what_does_not_fit_names_host_program_and_place() -> None:
    with pytest.raises(HostError) as caught:
        asked({"a": "x" * 9999})
    text = str(caught.value)
    assert text.startswith(f"h1: the answer of the {NAME} program makes no sense: a: Input should")
    assert "hint: the host is broken, or not what it seems" in text
    assert len(text) < 600
    with pytest.raises(HostError, match="none of line, exit"):
        said({"lines": 1})


def test_events_come_as_what_they_are() -> None:
    assert said({"line": "a"}, ["no event"], {"exit": {"reason": "killed", "code": -9}}) == [
        Line("a"),
        Ended(Exit("killed")),
    ]


def test_a_program_that_cannot_go_on_says_why_whoever_asks() -> None:
    for ask in (lambda: asked(DIED), lambda: said(DIED)):
        with pytest.raises(HostError, match=f"h1: the {NAME} program failed: /home: No space"):
            ask()
    with pytest.raises(ProgramDied):
        parsed('{"program_died": "x"}')
    assert parsed('{"failed": "hangs"}') == {"failed": "hangs"}


def test_what_a_guarded_program_answers_is_typed_too() -> None:
    inner = {"hangs": False, "code": 0, "out": '{"a": [1]}'}
    script = Script(answers={"cluster.host.guarded": lambda node, request: inner})
    done = call_guarded(script, HEAD, NAME, {}, 3)
    with pytest.raises(HostError, match=f"h1: the answer of the {NAME} program makes no sense: a:"):
        guarded_answer(HEAD, COUNTS, done)
    inner["out"] = "Traceback: none"
    with pytest.raises(HostError, match="gave no answer: Expecting value"):
        guarded_answer(HEAD, COUNTS, call_guarded(script, HEAD, NAME, {}, 3))


def test_an_endless_talk_ends() -> None:
    session = Script(talks={NAME: [{"line": "a"}] * 9}).session(HEAD, program(NAME, {}))
    with pytest.raises(TimeoutError, match="no end within 0 s"):
        list(answers(session, OBJECT, 5, within_s=0))


def test_a_guarded_program_brings_what_it_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a host that has nothing of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    name = "orchestrator.host.model_headers"
    assert "from orchestrator.host import" in source_of(name)
    done = call_guarded(Local(), HEAD, name, {"path": str(tmp_path)}, 30)
    assert "no config.json" in done.out
