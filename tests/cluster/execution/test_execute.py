"""Stages in order, hosts side by side, every failure kept."""

import threading
from typing import Any

import pytest

from cluster.errors import HostError, HostsError, LockLost, Unreachable
from cluster.execution.execute import STOP, Launched, Run, Written, execute
from cluster.execution.plan import Plan, Put, Stage, Start, Stop
from cluster.inventory.node import Node
from cluster.runtimes.service import Service
from cluster.transport.call import call
from cluster.transport.command import Command
from cluster.transport.parallel import gather
from cluster.transport.protocol import Result
from tests.support.factory import config_of
from tests.support.reporter import Recorder
from tests.support.scripted import Script

FIRST, SECOND = config_of().node


def gone(node: Node, request: Any) -> dict[str, Any]:
    return {"stopped": {}, "killed": [], "left": {}}


def refuse(node: Node, request: Any) -> Any:
    raise Unreachable(node.name, "no route")


def test_gather_keeps_order_and_makes_errors_values() -> None:
    def call_one(number: int) -> int:
        if number == 2:
            raise HostError("h2", "broken")
        return number * 10

    [(_, one), (_, two), (_, three)] = gather([1, 2, 3], call_one)
    assert (one, three) == (10, 30)
    assert isinstance(two, HostError)
    assert gather([], call_one) == []


def test_gather_runs_side_by_side() -> None:
    everybody_is_here = threading.Barrier(8, timeout=10)
    assert len(gather(range(8), lambda _: everybody_is_here.wait())) == 8


def test_a_failed_stage_ends_the_plan_and_names_every_host() -> None:
    stops = tuple(Stop(node, (f"test/{node.name}",)) for node in (FIRST, SECOND))
    plan = Plan("p", (Stage("one", stops), Stage("two", stops)))
    script = Script(answers={STOP.name: refuse})
    with pytest.raises(HostsError) as caught:
        execute(plan, script)
    assert [failure.problems[0].where for failure in caught.value.failures] == ["h1", "h2"]
    assert len(script.ran) == 2


def test_what_failed_before_the_lock_went_is_told_too() -> None:
    held = iter([True, False])

    def require() -> None:
        if not next(held):
            raise LockLost("h1")

    stops = (Stop(FIRST, ("test/h1",)),)
    plan = Plan("p", (Stage("one", stops), Stage("two", stops)))
    with pytest.raises(HostsError, match=r"no route[\s\S]*lock is lost") as caught:
        execute(plan, Script(answers={STOP.name: refuse}), run=Run("", require), go_on=True)
    assert [type(each) for each in caught.value.failures] == [Unreachable, LockLost]


def test_each_kind_of_step_becomes_its_program() -> None:
    service = Service("test", "vllm-x", FIRST, Command(("run", "it"), {"A": "1"}), {"f": "text"})
    plan = Plan(
        "p",
        (
            Stage("empty", ()),
            Stage("clear", (Stop(FIRST, ("test/h1/vllm-x",), remove=("/tmp/x",), grace_s=3),)),
            Stage("put", (Put(FIRST, "~/key", "secret"),)),
            Stage("start", (Start(service),)),
        ),
    )
    answers = {
        STOP.name: gone,
        "cluster.host.put": lambda node, request: {"bytes": len(request["content"])},
        "cluster.host.launch": lambda node, request: {"pid": 7},
    }
    script = Script(answers=answers)
    told: list[str] = []
    assert execute(plan, script, Recorder(told))[1:] == [Written(6), Launched(7)]
    assert told == ["clear: h1", "put: h1", "start: h1"]
    requests = {name: request for _, name, request in script.ran}
    stop = {"marks": ["test/h1/vllm-x"], "grace_s": 3, "remove": ["/tmp/x"], "keep_record": False}
    assert requests[STOP.name] == {**stop, "run": ""}
    assert requests["cluster.host.put"] == {"path": "~/key", "content": "secret", "mode": 0o600}
    launched = requests["cluster.host.launch"]
    assert (launched["mark"], launched["words"]) == ("test/h1/vllm-x", ["run", "it"])
    assert (launched["env"], launched["files"]) == ({"A": "1"}, {"f": "text"})


def test_a_secret_is_never_shown() -> None:
    put = Put(FIRST, "~/key", "top-secret")
    assert str(put) == "h1: write ~/key (mode 600, content not shown)"
    assert "top-secret" not in repr(put)


def test_a_program_without_an_answer_asks_for_python() -> None:
    script = Script(answers={STOP.name: lambda node, request: Result(127, "", "sh: no python3")})
    with pytest.raises(HostError) as caught:
        call(script, FIRST, STOP, {})
    assert "the cluster.host.stop program gave no answer (exit code 127)" in str(caught.value)
    assert "does python3 3.9 or newer run there? ssh 10.0.0.1 python3 --version" in str(
        caught.value
    )
