"""`test structured` from the command line, against a scripted server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.proofs.structured.subject import Sampling, built_in_schemas
from tests.served.script import Answer, Delivery, Request, Script, Status, in_turn
from tests.served.server import serving
from tests.support.typed import exit_code

Printed = pytest.CaptureFixture[str]
COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}, "shade": {"type": "integer"}},
    "required": ["colour"],
    "additionalProperties": False,
}
RED, BLUE = Answer('{"colour": "red"}'), Answer('{"colour": "blue"}')
CUT = Answer('{"colour": "r', "length")
PROSE = Answer("Sure! The colour is red.")
REFUSED = Status(400, '{"error": {"message": "The provided JSON schema contains features"}}')
VALUES: Mapping[str, object] = {
    "arrays": {
        "dice": [1, 2, 6],
        "songs": [{"title": "So What", "seconds": 540}],
        "matrix": [[True, False], [False, True]],
    },
    "enum": {"kind": "ticket", "priority": "low", "level": 2, "owner": None},
    "lengths": {"subject": "Hello", "language": "en"},
    "map": {"warehouse": "north", "pieces": {"nails": 7, "screws": 0}},
    "nested": {
        "customer": {
            "name": "Ada",
            "address": {"city": "London", "position": {"latitude": 51.5, "longitude": 0}},
        },
        "paid": True,
    },
    "numbers": {"percent": 5, "celsius": -40, "port": 1024, "ratio": 0.5, "any": -1e9},
    "optional": {"id": 1, "age": None},
    "patterns": {"code": "ABC-1234", "sent": "2026-11-21"},
    "recursive": {"name": "Ada", "children": [{"name": "Byron", "children": []}]},
    "union": {"kind": "circle", "radius": 3},
}
WRONG: Mapping[str, object] = {
    "arrays": {"dice": [1, 2], "songs": [], "matrix": []},
    "enum": {"kind": "ticket", "priority": "urgent", "level": 2, "owner": None},
    "lengths": {"subject": "Hi", "language": "en"},
    "map": {"warehouse": "north", "pieces": {"nails": "seven"}},
    "nested": {"customer": {"name": "Ada"}, "paid": True},
    "numbers": {"percent": 101, "celsius": 1, "port": 1024, "ratio": 0.5, "any": 1},
    "optional": {"id": 1, "extra": 1},
    "patterns": {"code": "abc", "sent": "2026-11-21"},
    "recursive": {"name": "Ada", "children": [{"name": "Byron"}]},
    "union": {"kind": "circle", "width": 3},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colour.json").write_text(json.dumps(COLOUR))
    return tmp_path


def run(url: str, *words: str) -> int:
    words = ("test", "structured", "--url", url, *words)
    return exit_code(*words)


def colours(script: Script | Delivery, capsys: Printed, *words: str) -> tuple[int, Any]:
    """The exit code and the report for four samples of one schema."""
    with serving(script) as server:
        code = run(server.url, "--schema", "colour.json", "--samples", "4", "--json", *words)
    return code, json.loads(capsys.readouterr().out)


def schema_in(request: Request) -> Any:
    return request.body["response_format"]["json_schema"]["schema"]


def by_schema(values: Mapping[str, object]) -> Script:
    known = {json.dumps(each.schema): each.name for each in built_in_schemas()}
    return lambda request: Answer(json.dumps(values[known[json.dumps(schema_in(request))]]))


def test_the_suite_can_be_met(capsys: Printed, folder: Path) -> None:
    with serving(by_schema(VALUES)) as server:
        assert run(server.url, "--json", "--samples", "2") == 0
        bodies = [request.body for request in server.heard if request.body]
    report = json.loads(capsys.readouterr().out)
    assert {each["schema"]: each["met"] for each in report["schemas"]} == dict.fromkeys(VALUES, 2)
    assert {each["rate"] for each in report["schemas"]} == {1}
    assert {body["temperature"] for body in bodies} == {0.7}
    assert len({body["seed"] for body in bodies}) == len(bodies) == 20
    [kept] = (folder / "artifacts" / "test-structured").glob("*-tiny/result.json")
    record = json.loads(kept.read_text())
    assert (record["seed"], record["result"]) == (424242, report)
    samples = [json.loads(x) for x in (kept.parent / "samples.jsonl").read_text().splitlines()]
    assert {each["seed"] for each in samples} == {body["seed"] for body in bodies}
    assert {each["verdict"] for each in samples} == {"met"}


def test_each_schema_of_the_suite_can_be_failed(capsys: Printed) -> None:
    with serving(by_schema(WRONG)) as server:
        assert run(server.url, "--json", "--samples", "1") == 1
    report = json.loads(capsys.readouterr().out)
    assert {each["schema"]: each["wrong"] for each in report["schemas"]} == dict.fromkeys(WRONG, 1)


@pytest.mark.parametrize("subject", built_in_schemas(), ids=lambda each: each.name)
def test_the_suite_is_made_of_good_schemas(subject: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(subject.schema)


@pytest.mark.parametrize(
    ("bad", "field", "said", "hint"),
    [
        (BLUE, "wrong", "1 of 4 do not meet the schema: $.colour: 'blue' is not", "samples.jsonl"),
        (PROSE, "not_json", "1 of 4 are not JSON: not valid JSON", "response_format"),
        (Answer('{"colour": "\x15"}'), "not_json", "Invalid control character", "docs/prove.md"),
        (REFUSED, "refused", "1 of 4 were refused by the server: refused: HTTP 400", "guidance"),
        (Status(500), "failed", "1 of 4 got no answer: server error: HTTP 500", "logs"),
        (Status(400), "failed", "1 of 4 got no answer: refused: HTTP 400: scripted", ""),
    ],
)
def test_one_bad_answer_in_four(
    bad: Delivery, field: str, said: str, hint: str, capsys: Printed
) -> None:
    code, report = colours(in_turn(bad, RED), capsys)
    assert code == 1
    [result], [finding] = report["schemas"], report["findings"]
    assert (result["met"], result[field]) == (3, 1)
    assert finding["state"] == "failure"
    assert said in finding["what"]
    assert hint in finding["hint"]
    assert result["rate"] == (0.75 if field in ("wrong", "not_json") else 1)


def test_what_was_cut_off_is_not_wrong(capsys: Printed) -> None:
    code, report = colours(in_turn(CUT, RED), capsys)
    assert code == 0
    [result], [finding] = report["schemas"], report["findings"]
    assert (result["truncated"], result["met"], result["rate"]) == (1, 3, 1)
    assert finding["state"] == "warning"
    assert finding["hint"] == "a larger --max-tokens"


def test_nothing_is_proven_by_what_was_cut_off_alone(capsys: Printed) -> None:
    code, report = colours(CUT, capsys)
    assert code == 1
    [result], [finding] = report["schemas"], report["findings"]
    assert (result["truncated"], result["rate"]) == (4, None)
    assert finding["what"] == "4 of 4 were cut off at the token limit: this proves nothing"


def test_a_whole_value_at_the_limit_is_met(capsys: Printed) -> None:
    code, report = colours(Answer('{"colour": "red"} ', "length"), capsys)
    assert (code, report["schemas"][0]["met"]) == (0, 4)


def test_the_screen_shows_a_table_and_the_worst_answer(capsys: Printed) -> None:
    script = in_turn(CUT, PROSE, BLUE, RED)
    with serving(script) as server:
        assert run(server.url, "--schema", "colour.json", "--samples", "4") == 1
    printed = capsys.readouterr().out
    assert "structured test of tiny" in printed
    row = next(line for line in printed.splitlines() if "33%" in line)
    assert row.split() == ["colour.json", "33%", "1", "1", "1", "-", "1", "-", "-"]
    assert '{"colour": "blue"}' in printed


def test_a_model_cannot_write_to_the_terminal(capsys: Printed) -> None:
    with serving(Answer('{"colour": "\x1b[31m"}')) as server:
        assert run(server.url, "--schema", "colour.json") == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert '{"colour": "\\x1b[31m"}' in printed


def test_a_lost_server_is_asked_no_further(capsys: Printed) -> None:
    assert run("http://127.0.0.1:1", "--model", "tiny", "--samples", "50", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert sum(each["failed"] for each in report["schemas"]) <= 16
    assert "were not sent" in report["findings"][-1]["what"]


def test_a_wrong_key_is_sent_no_further() -> None:
    with serving(RED, key="secret") as server:
        assert run(server.url, "--model", "tiny", "--samples", "50") == 1
        assert len(server.heard) <= 20


def test_a_folder_of_schemas(folder: Path, capsys: Printed) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "b.json").write_text('{"type": "string"}')
    (folder / "more" / "a.json").write_text('{"type": "object"}')
    (folder / "more" / "notes.txt").write_text("no schema")
    words = ("--schema", "more", "--schema", "colour.json", "--schema", "more/a.json")
    with serving(RED) as server:
        assert run(server.url, *words, "--json", "--samples", "1") == 1
    report = json.loads(capsys.readouterr().out)
    names = [each["schema"] for each in report["schemas"]]
    assert names == ["more/a.json", "more/b.json", "colour.json"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "objekt"}', "not a JSON schema: 'objekt' is not valid"),
        ('{"$ref": "#/$defs/node"}', "refers to what it does not hold: #/$defs/node"),
        ('{"properties": {"a": {"$ref": "https://example.org/s"}}}', "does not hold: https://"),
        ('{"type": ', "not valid JSON"),
        ("[]", "an object is expected"),
    ],
)
def test_a_bad_schema_is_told_before_any_request(
    text: str, said: str, folder: Path, capsys: Printed
) -> None:
    (folder / "bad.json").write_text(text)
    with serving(RED) as server:
        assert run(server.url, "--schema", "colour.json", "--schema", "bad.json") == 2
        assert server.heard == []
    assert said in capsys.readouterr().err
    assert not (folder / "artifacts").exists()


def test_a_folder_without_schemas(folder: Path, capsys: Printed) -> None:
    (folder / "empty").mkdir()
    assert run("http://127.0.0.1:1", "--schema", "empty") == 2
    assert "no *.json in this folder" in capsys.readouterr().err


def test_seeds_depend_on_schema_and_number_alone() -> None:
    enum = next(each for each in built_in_schemas() if each.name == "enum")
    seeds = [Sampling().seed_of(each, n) for each in built_in_schemas() for n in range(100)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert Sampling(samples=9).seed_of(enum, 2) == Sampling().seed_of(enum, 2)
    assert Sampling(seed=1).seed_of(enum, 2) != Sampling().seed_of(enum, 2)
