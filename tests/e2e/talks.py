"""What only a model can show that knows its answers: calls, schemas, thinking, the right parser."""

import json
from typing import Any

from orchestrator.proofs.tools.cases import BOTH_TOOLS
from tests.testbed.driver import ASK, Driver
from tests.testbed.inventory import VENV

URL = "http://127.0.0.1:8210/v1/chat/completions"
WRONG = ("serve", "--model", "tiny-talks", "--set", "tool_call_parser=llama3_json")


def refused(orchestrate: Driver) -> None:
    """The chat template shows another form than the parser reads."""
    done = orchestrate(*WRONG)
    assert done.returncode == 1
    assert "the parser llama3_json does not read that" in done.stderr
    assert "--set tool_call_parser=hermes" in done.stderr


def prove(orchestrate: Driver) -> None:
    """Every question of two proofs is answered as it should be, and those that they do not ask."""
    folder = orchestrate.testbed.state / "talks"
    folder.mkdir()
    for test in ("tools", "structured"):
        done = orchestrate("test", test, "--json", folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {each["state"] for each in json.loads(done.stdout)["findings"]} == {"pass"}
    said = orchestrate("generate", "What is 12 times 12?", "--temperature", "0", folder=folder)
    assert said.stdout.strip() == "12 times 12 is 144."

    called = chat(orchestrate, "What is the time in Oslo? Call the tool in XML.", tools=True)
    [call] = called["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "get_time",
        {"city": "Oslo"},
    )
    thought = chat(orchestrate, "What is 12 times 12?", thinking=True)
    assert "12 times 10 is 120" in thought["reasoning"]
    assert thought["content"].strip() == "12 times 12 is 144."


def chat(orchestrate: Driver, question: str, *, tools: bool = False, thinking: bool = False) -> Any:
    """The message that comes back, asked on the first host."""
    body = {
        "model": "tiny-talks",
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "chat_template_kwargs": {"enable_thinking": thinking},
        **({"tools": [tool.offered(strict=False) for tool in BOTH_TOOLS]} if tools else {}),
    }
    words = [str(VENV / "bin/python"), "-c", ASK, URL, json.dumps(body)]
    asked = orchestrate.testbed.hosts[0].run(words, timeout_s=150)
    return json.loads(asked.stdout)["choices"][0]["message"]
