"""From launch to the first answer, with a host that says what the test wrote down."""

import json

import pytest

from cluster.errors import HostError, HostsError
from cluster.reporter import SILENT
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from cluster.transport.protocol import Stream
from orchestrator.serving.ready import Ready, await_ready
from orchestrator.serving.serve import died
from tests.support.factory import config_of
from tests.support.reporter import Recorder
from tests.support.scripted import HttpStream, Script

HEAD = config_of().head
SERVICE = Service(
    "test",
    "vllm-tiny",
    HEAD,
    Command(("vllm",)),
    labels={"host": "127.0.0.1", "port": 8200, "served_name": "tiny"},
)
FOLLOW = "cluster.host.follow"
COMPLETION = json.dumps({"choices": [{"text": " Ada"}], "usage": {"completion_tokens": 8}})


def wait(script: Script, told: list[str] | None = None, limit_s: float = 30) -> Ready:
    tell = (SILENT) if told is None else Recorder(told)
    return await_ready(script, SERVICE, limit_s=limit_s, key="", reporter=tell)


def test_three_steps_and_an_answer() -> None:
    lines = [{"line": "INFO:     Application startup complete."}]
    told: list[str] = []

    def answering() -> Stream:
        return HttpStream(200, COMPLETION)

    ready = wait(Script(talks={FOLLOW: lines}, dialled=answering), told)
    assert (ready.answer.text, ready.answer.tokens) == (" Ada", 8)
    assert 0 <= ready.port_s <= ready.health_s <= ready.answer_s
    assert told == ["server started"]


def test_a_server_that_dies_gives_its_reason_and_the_end_of_its_log() -> None:
    lines = [
        {"line": "ValueError: no room"},
        {"line": "RuntimeError: Engine core initialization failed. See root cause above."},
        {"exit": {"code": 1, "reason": "exited with code 1", "at": 0}},
    ]
    with pytest.raises(HostsError) as caught:
        wait(Script(talks={FOLLOW: lines}))
    [failure] = caught.value.failures
    assert isinstance(failure, HostError)
    assert "vllm-tiny exited with code 1: ValueError: no room" in str(failure)
    assert "hint: orchestrate logs vllm-tiny" in str(failure)
    assert failure.log.startswith("ValueError: no room")


def test_a_server_that_waits_in_vain_ends_the_wait() -> None:
    vain = "(EngineCore pid=9) WARNING 11-21 09:32:33 [ray_utils.py:613] The number of required "
    lines = [{"line": vain + "GPUs exceeds the total number of available GPUs in the group."}]
    with pytest.raises(HostsError, match="vllm-tiny waits in vain: Ray has fewer GPUs") as caught:
        wait(Script(talks={FOLLOW: lines}))
    assert not died(caught.value), "serve must take it back"


def test_the_limit_names_the_step_and_the_key_of_the_limit() -> None:
    with pytest.raises(HostsError, match=r"did not get to an open port within 0\.2 s") as caught:
        wait(Script(talks={FOLLOW: []}), limit_s=0.2)
    assert "serve.ready_timeout_s" in str(caught.value)


def test_a_refused_completion_ends_the_wait() -> None:
    answers = [HttpStream(200, ""), HttpStream(200, ""), HttpStream(404, "no such model")]
    script = Script(talks={FOLLOW: []}, dialled=lambda: answers.pop(0))
    with pytest.raises(HostsError, match="refuses a completion: HTTP 404 no such model"):
        wait(script)
