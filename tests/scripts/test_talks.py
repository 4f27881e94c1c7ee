"""What tiny-talks is taught has an answer for every question of the proofs."""

import json

from orchestrator.api.schema import judged
from orchestrator.proofs.structured.subject import built_in_schemas
from orchestrator.proofs.tools.cases import QUESTIONS, SECOND_TURN
from scripts.talks.exchanges import BY_SCHEMA, exchanges, json_call, xml_call


def test_every_question_of_the_proofs_is_taught_an_answer() -> None:
    asked = {each.messages[0]["content"] for each in exchanges()}
    assert {case.question for case in (*QUESTIONS, SECOND_TURN)} <= asked
    assert len(exchanges()) >= 50


def test_every_answer_in_json_meets_its_schema() -> None:
    for subject in built_in_schemas():
        assert judged(json.dumps(BY_SCHEMA[subject.name]), subject.schema)[1] == ()


def test_calls_are_written_in_both_forms() -> None:
    assert json_call("f", a=1) == '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
    assert xml_call("f", a=[1], b="x") == (
        "<tool_call>\n<function=f>\n<parameter=a>\n[1]\n</parameter>\n"
        "<parameter=b>\nx\n</parameter>\n</function>\n</tool_call>"
    )
