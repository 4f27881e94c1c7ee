"""Both forms of Qwen3's tool calls through vLLM's own classes, with our parser among them."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from tests.support.folders import ROOT

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vLLM is not installed here: scripts/install"
)
PLUGIN = ROOT / "orchestrator/host/vllm_tool_parser.py"
TOKENIZER = ROOT / "orchestrator/models/tiny_talks"
LIMIT_S = 300  # the import of vLLM on a busy machine
Calls = list[tuple[str, Any]]


def json_form(city: str, days: int) -> str:
    arguments = {"city": city, "days": days}
    call = json.dumps({"name": "get_weather", "arguments": arguments})
    return f"<tool_call>\n{call}\n</tool_call>"


def xml_form(city: str, days: int) -> str:
    values = f"<parameter=city>\n{city}\n</parameter>\n<parameter=days>\n{days}\n</parameter>"
    return f"<tool_call>\n<function=get_weather>\n{values}\n</function>\n</tool_call>"


def calls(*cities: str) -> Calls:
    return [("get_weather", {"city": city, "days": 3}) for city in cities]


CUT = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Par'
NAMELESS = '<tool_call>\n{"nam'
BROKEN = '<tool_call>\n{"name": "get_weather", "arguments": {"city": Oslo}}\n</tool_call>'
FORMS = {"json": json_form, "xml": xml_form}
SEVERAL = {
    f"{name}, {count}": ("\n".join(form(city, 3) for city in cities), calls(*cities), "")
    for name, form in FORMS.items()
    for count, cities in (("one", ["Paris"]), ("three", ["Paris", "Rome", "São Paulo <b>"]))
}
AROUND = {
    f"{name}, text around": (f"Let me look. {form('Oslo', 3)}", calls("Oslo"), "Let me look.")
    for name, form in FORMS.items()
}
OTHERS: dict[str, tuple[str, Calls, str]] = {
    "plain": ("2 < 3, and <b> is no call", [], "2 < 3, and <b> is no call"),
    "both forms": (f"{xml_form('Rome', 3)}\n{json_form('Oslo', 3)}", calls("Rome", "Oslo"), ""),
    "json, text after": (f"{json_form('Oslo', 3)} Done.", calls("Oslo"), "Done."),
    "json, no name": (f"{json_form('Oslo', 3)}\n{NAMELESS}", calls("Oslo"), NAMELESS),
}
CASES = {**SEVERAL, **AROUND, **OTHERS}
TEXTS = {name: text for name, (text, _, _) in CASES.items()} | {"cut": CUT, "broken": BROKEN}


@pytest.fixture(scope="module")
def read() -> Any:
    """What vLLM makes of TEXTS, in a process of its own: its import is slow and leaves traces."""
    program = "tests.support.vllm_reads"
    words = [sys.executable, "-m", program, str(TOKENIZER), "qwen3_xml", str(PLUGIN)]
    env = {**os.environ, "VLLM_LOGGING_LEVEL": "CRITICAL", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        words,
        input=json.dumps(TEXTS),
        text=True,
        capture_output=True,
        cwd=ROOT,
        env=env,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", CASES)
def test_every_call_is_read_in_either_form_whole_and_streamed(read: Any, name: str) -> None:
    _, wanted, text = CASES[name]
    for way, found in read["ours"][name].items():
        made = [(called, json.loads(arguments)) for called, arguments in found["calls"]]
        assert made == wanted, way
        assert found["text"].strip() == text, way
        assert found["reasoning"].strip() == ("hm" if "reasoning" in way else ""), way


@pytest.mark.parametrize("name", ["cut", "broken"])
def test_of_json_that_is_broken_nothing_is_lost(read: Any, name: str) -> None:
    """As vLLM's hermes does: whole it stays text, streamed the call goes out as it was written."""
    for way, found in read["ours"][name].items():
        if way.startswith("whole"):
            assert (found["calls"], found["text"].strip()) == ([], TEXTS[name])
        else:
            [(called, arguments)] = found["calls"]
            assert called == "get_weather"
            assert arguments != ""
            assert arguments in TEXTS[name]


def test_without_ours_vllm_loses_the_json_form(read: Any) -> None:
    """Why ours is there: should this fail, vLLM has learnt to read it."""
    found, ours = read["own"], read["ours"]
    assert {json.dumps(each["calls"]) for each in found["json, one"].values()} == {"[]"}
    assert {each["text"].strip() for each in found["json, one"].values()} == {""}
    for name in ("xml, one", "xml, three", "xml, text around", "plain"):
        assert ours[name] == found[name]
