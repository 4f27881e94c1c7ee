"""`generate` from the command line, against the scripted server."""

import io
import json
from pathlib import Path

import pytest

from orchestrator.api.generate import pause_before_next_s
from orchestrator.api.reply import Failure, Timing
from tests.served.script import Answer, Broken, Delivery, Edited, Hang, Status, in_turn
from tests.served.server import serving
from tests.support.typed import exit_code

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
}
ADA = '{"name": "Ada", "age": 36}'
REFUSING = {"choices": [{"message": {"refusal": "I won't."}, "finish_reason": "stop"}]}
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def schema(tmp_path: Path) -> str:
    (tmp_path / "person.json").write_text(json.dumps(SCHEMA))
    return str(tmp_path / "person.json")


def generate(url: str, *words: str) -> int:
    words = ("generate", *words, "--url", url)
    return exit_code(*words)


def test_the_text_and_nothing_else_on_standard_output(capsys: Printed) -> None:
    with serving(Answer("Ada Lovelace.")) as server:
        assert generate(server.url, "Who?", "--temperature", "0", "--max-tokens", "9") == 0
        [request] = [each for each in server.heard if each.body]
    assert capsys.readouterr() == ("Ada Lovelace.\n", "")
    assert request.path == "/v1/chat/completions"
    wanted = {"stream": True, "temperature": 0, "max_tokens": 9}
    assert wanted.items() <= request.body.items()
    assert request.body["messages"] == [{"role": "user", "content": "Who?"}]


def test_how_to_sample_is_passed_on() -> None:
    with serving(Answer("yes")) as server:
        assert generate(server.url, "Who?", "--top-p", "0.9", "--seed", "7") == 0
        assert generate(server.url, "Who?", "--top-p", "2") == 2
        [request] = [each for each in server.heard if each.body]
    assert (request.body["top_p"], request.body["seed"]) == (0.9, 7)


def test_what_the_model_thinks_is_shown_and_is_no_part_of_the_answer(capsys: Printed) -> None:
    with serving(Answer("Ada.", reasoning="Who was it? Ada.")) as server:
        assert generate(server.url, "Who?") == 0
    assert capsys.readouterr() == ("Ada.\n", "Who was it? Ada.\n")
    with serving(Answer("Ada.", reasoning="Hm")) as server:
        assert generate(server.url, "Who?", "--json") == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out)["reply"]["reasoning"], printed.err) == ("Hm", "")


def test_an_answer_that_is_all_reasoning_is_told(capsys: Printed) -> None:
    with serving(Answer("", reasoning="Ada, I think.")) as server:
        assert generate(server.url, "Who?") == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Ada, I think.\nwarning: the answer is empty: the server returned all" in printed.err


def test_a_refusal_is_told(capsys: Printed) -> None:
    with serving(Edited(Answer(""), lambda part: REFUSING)) as server:
        assert generate(server.url, "Who?") == 0
    assert "the model refuses: I won't." in capsys.readouterr().err


def test_standard_input_and_a_system_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long prompt"))
    with serving(Answer("yes")) as server:
        assert generate(server.url, "-", "--system", "Be brief.") == 0
        [request] = [each for each in server.heard if each.body]
    system = {"role": "system", "content": "Be brief."}
    assert request.body["messages"] == [system, {"role": "user", "content": "a long prompt"}]


def test_an_image_goes_along_as_a_data_url(tmp_path: Path, capsys: Printed) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    with serving(Answer("a dot")) as server:
        assert generate(server.url, "What?", "--image", str(tmp_path / "dot.png")) == 0
        [request] = [each for each in server.heard if each.body]
        assert generate(server.url, "What?", "--image", str(tmp_path)) == 2
        assert generate(server.url, "What?", "--image", str(tmp_path / "none.png")) == 2
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    content = request.body["messages"][0]["content"]
    assert content == [image, {"type": "text", "text": "What?"}]
    assert "none.png: cannot be read" in capsys.readouterr().err


def test_json_for_programs(capsys: Printed, schema: str) -> None:
    with serving(Answer(ADA)) as server:
        assert generate(server.url, "Who?", "--json", "--schema", schema) == 0
        [request] = [each for each in server.heard if each.body]
    said = json.loads(capsys.readouterr().out)
    assert said["value"] == {"name": "Ada", "age": 36}
    assert (said["reply"]["text"], said["errors"]) == (ADA, [])
    assert request.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert request.body["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer('{"name": "Ada", "age": -1}'), "$.age: -1 is less than the minimum of 0"),
        (Answer('{"name": "Ada"}'), "$: 'age' is a required property"),
        (Answer('{"name": "Ada", "age": NaN}'), "not valid JSON: NaN is not JSON"),
        (Answer("I am Ada"), "not valid JSON"),
        (Answer('{"name": "A', finish_reason="length"), "was cut off at the token limit"),
    ],
)
def test_a_schema_that_is_not_met(answer: Answer, said: str, capsys: Printed, schema: str) -> None:
    with serving(answer) as server:
        assert generate(server.url, "Who?", "--schema", schema) == 1
    printed = capsys.readouterr()
    assert printed.out == answer.text + "\n", "the raw answer"
    assert said in printed.err


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (Answer("", reasoning=ADA), "does its reasoning_parser fit the model?"),
        (Edited(Answer(""), lambda part: REFUSING), "hint: the model refuses: I won't."),
        (Answer(""), "does the server support response_format json_schema?"),
    ],
)
def test_who_is_to_blame_for_a_missing_value(
    answer: Delivery, hint: str, capsys: Printed, schema: str
) -> None:
    with serving(answer) as server:
        assert generate(server.url, "Who?", "--schema", schema) == 1
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "an object is expected"),
        ('{"type": "objekt"}', "person.json.type: not a JSON schema"),
        ('{"$ref": "http://127.0.0.1:1/other.json"}', "refers to what it does not hold"),
    ],
)
def test_what_is_no_schema(text: str, said: str, capsys: Printed, schema: str) -> None:
    Path(schema).write_text(text)
    with serving(Answer("{}")) as server:
        assert generate(server.url, "Who?", "--schema", schema) == 2
    assert said in capsys.readouterr().err
    assert generate("http://127.0.0.1:1", "Who?", "--schema", "nowhere.json") == 2


def test_a_broken_stream_shows_what_came_and_why_no_more_does(capsys: Printed) -> None:
    with serving(Broken(Answer("one two three four"), 3)) as server:
        assert generate(server.url, "Count") == 1
        assert server.generations == 1, "tokens had come: it must not be sent again"
    printed = capsys.readouterr()
    assert printed.out == "one two\n"
    assert "broken: the connection broke" in printed.err


def test_a_server_that_hangs(capsys: Printed) -> None:
    with serving(Hang()) as server:
        assert generate(server.url, "Who?", "--timeout-s", "0.2") == 1
        assert server.generations == 1
    assert "timeout: no whole answer within 0.2 s" in capsys.readouterr().err


def test_a_server_that_is_busy_for_now(capsys: Printed) -> None:
    busy = Status(429, headers={"Retry-After": "0.01"})
    with serving(in_turn(busy, busy, Answer("at last"))) as server:
        assert generate(server.url, "Who?") == 0
    printed = capsys.readouterr()
    assert printed.out == "at last\n"
    assert printed.err.count("HTTP 429: scripted; again in 0.01 s") == 2


def test_a_server_that_stays_busy() -> None:
    with serving(Status(503, "full", {"Retry-After": "0"})) as server:
        assert generate(server.url, "Who?") == 1
        assert server.generations == 4


@pytest.mark.parametrize(
    ("kind", "status", "retry_after_s", "count", "pause_s"),
    [
        ("connect", None, None, 1, 0.25),
        ("connect", None, None, 3, 1.0),
        ("rate limited", 429, 7.0, 1, 7.0),
        ("rate limited", 429, 31.0, 1, None),
        ("rate limited", 429, None, 1, None),
        ("server error", 503, 2.0, 1, 2.0),
        ("server error", 500, 2.0, 1, None),
        ("broken", None, None, 1, None),
        ("timeout", None, None, 1, None),
        ("invalid JSON", None, None, 1, None),
    ],
)
def test_only_what_is_safe_is_sent_again(
    kind: str, status: int | None, retry_after_s: float | None, count: int, pause_s: float | None
) -> None:
    failure = Failure(kind, "", Timing(0, 0), status, retry_after_s)  # type: ignore[arg-type]
    assert pause_before_next_s(failure, count) == pause_s
