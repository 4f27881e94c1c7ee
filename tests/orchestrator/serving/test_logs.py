"""Which log is meant, and what is written of it."""

from typing import Any

import pytest

from cluster.errors import HostsError, OrchestrateError, Unreachable, UsageError
from cluster.inventory.node import Node
from orchestrator.serving.logs import find_service, read_log
from tests.support.factory import config_of, host_facts, service
from tests.support.scripted import END, Script

CONFIG = config_of()
PROBE, FOLLOW = "cluster.host.probe", "cluster.host.follow"


def script(
    head: tuple[str, ...], worker: tuple[str, ...] = (), logs: tuple[str, ...] = ()
) -> Script:
    def probe(node: Node, request: Any) -> Any:
        names = head if node.is_head else worker
        facts = host_facts(node, services=tuple(map(service, names)), logs=logs)
        return facts.model_dump(exclude={"node"})

    return Script(answers={PROBE: probe})


def found(made: Script, name: str | None = None, host: str | None = None) -> tuple[str, str]:
    where, what = find_service(made, CONFIG, name, host)
    return where.node.name, what


def test_the_model_is_meant_before_ray() -> None:
    made = script(("ray-head", "vllm-tiny"), ("ray-worker",))
    assert found(made) == ("h1", "vllm-tiny")
    assert found(made, "ray-worker") == ("h2", "ray-worker")
    assert found(made, None, "h2") == ("h2", "ray-worker")
    assert found(script(("ray-head",))) == ("h1", "ray-head")


def test_a_stopped_service_can_still_be_read() -> None:
    assert found(script(("ray-head",), logs=("vllm-tiny",)), "vllm-tiny") == ("h1", "vllm-tiny")


def test_an_unknown_service_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no vllm-tinny") as caught:
        found(script(("vllm-tiny",)), "vllm-tinny")
    assert "did you mean `vllm-tiny`?" in str(caught.value)


def test_nothing_runs_or_nobody_answers() -> None:
    with pytest.raises(OrchestrateError, match="cluster test has no services"):
        found(script(()))

    def refuse(node: Node, request: Any) -> Any:
        raise Unreachable(node.name, "does not answer")

    with pytest.raises(HostsError, match="h1: does not answer\nh2: does not answer"):
        found(Script(answers={PROBE: refuse}))


def test_lines_and_the_end_are_written() -> None:
    exit_event = {"exit": {"code": 1, "reason": "exited with code 1", "at": 0}}
    made = Script(talks={FOLLOW: [{"line": "one"}, exit_event, END]})
    written: list[str] = []
    host = host_facts(CONFIG.head)
    read_log(made, (host, "vllm-tiny"), CONFIG, written.append, lines=5, follow=True)
    assert written == ["one", "-- vllm-tiny exited with code 1"]
    request = {"mark": "test/h1/vllm-tiny", "lines": 5, "follow": True}
    assert made.ran == [("h1", FOLLOW, request)]
