"""What `status` finds, and whether it calls that healthy."""

import json
from typing import Any

import pytest

from cluster.errors import Unreachable
from cluster.facts.hosts import Facts, HostFacts, RayNode, Unreached
from cluster.inventory.node import Node
from cluster.transport.protocol import Result
from orchestrator.serving.status import (
    HostStatus,
    ServiceStatus,
    StatusReport,
    host_status,
    lost_host,
    ray_state,
    status,
)
from tests.support.factory import config_of, ended, entry, host_facts, service, whole
from tests.support.scripted import HttpStream, Script

CONFIG = config_of(entry(1), entry(2))
ABOUT = {"host": "127.0.0.1", "port": 8200, "served_name": "tiny", "split": "tensor parallel 2"}
COMPLETION = json.dumps({"choices": [{"text": "x"}], "usage": {"completion_tokens": 1}})


def report(hosts: list[HostStatus], *services: ServiceStatus) -> StatusReport:
    return StatusReport("test", tuple(hosts), services, 0.1)


def host(name: str = "h1", state: str = "up", ray: str = "alive") -> HostStatus:
    return HostStatus(name, "worker", "10.0.0.1", state, ray=ray)


def service_row(state: str) -> ServiceStatus:
    return ServiceStatus("vllm-tiny", "h1", state)


@pytest.mark.parametrize(
    ("found", "healthy"),
    [
        (report([host(), host("h2")], service_row("ready"), service_row("running")), True),
        (report([host(ray="off")]), True),
        (report([host(), host("h2", ray="off")]), False),
        (report([host(), host("h2", ray="lost")]), False),
        (report([host(ray="unknown")]), False),
        (report([host(), host("h2", state="unreachable", ray="unknown")]), False),
        *((report([host()], service_row(state)), False) for state in ("starting", "failing")),
        *((report([host()], service_row(state)), False) for state in ("failed", "leftover")),
    ],
)
def test_healthy_means_all_of_it(found: StatusReport, healthy: bool) -> None:
    assert found.healthy is healthy


def test_an_unreachable_host_is_a_row() -> None:
    lost = Unreached(CONFIG.node[1], Unreachable("h2", "10.0.0.2:22 does not answer", "ping"))
    row = lost_host(lost)
    assert (row.name, row.state, row.ray) == ("h2", "unreachable", "unknown")
    assert row.problem == "10.0.0.2:22 does not answer"
    assert row.hint == "ping"


def test_a_hung_cache_is_noted() -> None:
    facts = whole(CONFIG)
    hung = facts.hosts[0].cache.model_copy(update={"hangs": True})
    row = host_status(facts, facts.hosts[0].model_copy(update={"cache": hung}))
    assert (row.problem, row.gpus, row.gpu_name) == ("the model cache hangs", 1, "NVIDIA H200")


def test_ray_of_a_host_in_each_case() -> None:
    facts = whole(CONFIG, lost=("h2",))
    head, worker = facts.hosts
    assert ray_state(facts, head) == "alive"
    assert ray_state(facts, worker) == "lost"
    bare = host_facts(CONFIG.node[1])
    assert ray_state(Facts((head, bare), ()), bare) == "off"
    deaf = head.model_copy(update={"ray_nodes": None})
    assert ray_state(Facts((deaf, worker), ()), worker) == "unknown"
    dead = host_facts(CONFIG.node[1], services=(ended("ray-worker"),))
    assert ray_state(Facts((deaf, dead), ()), dead) == "lost"


def answer_of(facts: HostFacts) -> dict[str, Any]:
    """What the probe of this host prints."""
    return facts.model_dump(exclude={"node"})


def asked(script: Script, model: dict[str, Any]) -> ServiceStatus:
    """The row of one service on the head."""
    alive = tuple(RayNode(address=node.fast, alive=True) for node in CONFIG.node)

    def probe(node: Node, request: Any) -> dict[str, Any]:
        services = (service("vllm-tiny", **model),) if node.is_head else ()
        return answer_of(host_facts(node, services=services, ray_nodes=alive))

    script.answers = {**script.answers, "cluster.host.probe": probe}
    found = status(script, CONFIG)
    assert [row.name for row in found.hosts] == ["h1", "h2"]
    [row] = found.services
    return row


def test_a_model_that_answers_is_ready() -> None:
    row = asked(Script(dialled=lambda: HttpStream(200, COMPLETION)), {"about": ABOUT})
    assert (row.state, row.detail) == ("ready", "tensor parallel 2")
    assert row.url == "http://127.0.0.1:8200/v1"
    assert row.answer_s is not None


def test_the_commit_that_runs_is_shown() -> None:
    about = {**ABOUT, "commit": "c" * 40}
    row = asked(Script(dialled=lambda: HttpStream(200, COMPLETION)), {"about": about})
    assert (row.commit, row.detail) == ("c" * 40, "tensor parallel 2, commit cccccccccccc")


def test_the_gpus_in_use_have_a_cost() -> None:
    """One H100 at 4 USD: 96 a day."""
    priced = config_of(entry(1), entry(2), cost={"gpu_hour_price": 4.0})
    model = service("vllm-tiny", about={"gpus": {"h1": 1}})

    def probe(node: Node, request: Any) -> dict[str, Any]:
        return answer_of(host_facts(node, services=(model,) if node.is_head else ()))

    script = Script(answers={"cluster.host.probe": probe})
    found = status(script, priced).cost
    assert found
    assert (found.hour, found.day) == (4, 96)
    assert status(script, CONFIG).cost is None


def test_a_model_that_does_not_listen_yet_is_starting() -> None:
    row = asked(Script(), {"about": ABOUT, "last_lines": ("one", "  loading weights ")})
    assert (row.state, row.detail) == ("starting", "loading weights")
    assert asked(Script(), {"about": ABOUT}).detail == "no log yet"


def test_a_model_that_answers_with_an_error_is_failing() -> None:
    row = asked(Script(dialled=lambda: HttpStream(500, "dead")), {"about": ABOUT})
    assert (row.state, row.detail) == ("failing", "HTTP 500: dead")
    assert row.hint == "orchestrate logs vllm-tiny --host h1"


def test_a_service_that_ended_is_failed_or_leftover() -> None:
    gone = {"code": 1, "reason": "exited with code 1", "at": 0}
    row = asked(Script(), {"alive": False, "exit": gone})
    assert (row.state, row.detail) == ("failed", "exited with code 1")
    row = asked(Script(), {"alive": False, "pids": (7, 8)})
    assert (row.state, row.detail) == ("leftover", "2 processes without a supervisor")
    assert "orchestrate teardown" in row.hint
    row = asked(Script(), {"alive": False, "damaged": ("pid", "spec.json")})
    assert row.detail == "2 processes without a supervisor; damaged: pid, spec.json"


def test_a_service_without_a_port_just_runs() -> None:
    assert asked(Script(), {}).state == "running"


def test_a_host_whose_probe_says_nothing_is_a_row_too() -> None:
    script = Script(answers={"cluster.host.probe": lambda node, request: Result(127, "", "no")})
    found = status(script, CONFIG)
    assert not found.healthy
    assert [row.state for row in found.hosts] == ["unreachable", "unreachable"]
    assert "gave no answer (exit code 127)" in found.hosts[0].problem


def test_what_a_signal_has_stopped_is_failing_and_is_not_asked() -> None:
    """A model with a port, and Ray without one; nobody waits for either."""
    detail = "2 of 2 processes stopped by a signal: python"
    for about in (ABOUT, {}):
        row = asked(Script(), {"about": about, "stopped": ("python", "python")})
        assert (row.state, row.detail) == ("failing", detail)


def test_a_worker_whose_ray_stands_still_is_lost_though_its_head_counts_it() -> None:
    facts = whole(CONFIG)
    worker = facts.hosts[1]
    assert ray_state(facts, worker) == "alive"
    still = (service("ray-worker", stopped=("raylet",)),)
    assert ray_state(facts, worker.model_copy(update={"services": still})) == "lost"
