"""`test structured` where the answer, or thoughts, are not where they belong."""

from pathlib import Path

import pytest

from orchestrator.cli.render import as_json
from tests.orchestrator.proofs.structured.test_structured import COLOUR, RED, Printed, colours
from tests.served.script import Answer, Delivery, Edited, in_turn

REFUSING = {"choices": [{"message": {"refusal": "No."}, "finish_reason": "stop"}]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colour.json").write_text(as_json(COLOUR))


@pytest.mark.parametrize(
    ("bad", "field", "said", "hint"),
    [
        (
            Answer("", reasoning='{"colour": "red"}'),
            "in_reasoning",
            "1 of 4 came as reasoning, without content: no content, and a reasoning that meets",
            "reasoning_parser",
        ),
        (
            Answer("", "length", reasoning='{"colour": "red"}'),
            "in_reasoning",
            "meets the schema",
            "reasoning_parser",
        ),
        (Answer("", reasoning="Red."), "in_reasoning", "holds no value", "reasoning_parser"),
        (Answer("", "length", reasoning="Red."), "truncated", "cut off", "--max-tokens"),
        (Answer(f"Hm.</think>{RED.text}"), "not_json", "1 of 4 are not JSON", "reasoning_parser"),
        (
            Edited(Answer(""), lambda part: REFUSING),
            "not_json",
            "1 of 4 are not JSON: the model refuses: No.",
            "samples.jsonl",
        ),
    ],
)
def test_the_culprit_is_named(
    bad: Delivery, field: str, said: str, hint: str, capsys: Printed
) -> None:
    _, report = colours(in_turn(bad, RED), capsys)
    [result], [finding] = report["schemas"], report["findings"]
    assert (result["met"], result[field]) == (3, 1)
    assert said in finding["what"]
    assert hint in finding["hint"]
