"""Taking a cluster down, whatever state it is in."""

from typing import Any

import pytest

from cluster.allocators import ALLOCATORS
from cluster.errors import HostError, HostsError, OrchestrateError, PreflightError, Unreachable
from cluster.execution.execute import Stopped
from cluster.facts.hosts import Facts, Unreached
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import SILENT, Reporter
from cluster.stop import StopReport, plan_stop, removed_folders, stop_cluster
from cluster.transport.protocol import Transport
from orchestrator.machines.screen import stopped
from tests.support.factory import config_of, entry, host_facts, service
from tests.support.reporter import Recorder
from tests.support.scripted import Script

CONFIG = config_of(entry(1), entry(2))
HOLD, PROBE, STOP = "cluster.host.hold", "cluster.host.probe", "cluster.host.stop"


def script(*, gone: str = "", head: tuple[str, ...] = ("ray-head",), **answer: Any) -> Script:
    """Both hosts run Ray; `gone` cannot be reached."""

    def probe(node: Node, request: Any) -> Any:
        if node.name == gone:
            raise Unreachable(node.name, "does not answer", "ping")
        names = head if node.is_head else ("ray-worker",)
        facts = host_facts(node, services=tuple(map(service, names)))
        return facts.model_dump(exclude={"node"})

    def stop(node: Node, request: Any) -> Any:
        return {"stopped": {request["marks"][0]: 3}, "killed": [], "left": {}, **answer}

    return Script(answers={PROBE: probe, STOP: stop}, talks={HOLD: [{"held": True}]})


def test_workers_go_before_the_head() -> None:
    told: list[str] = []
    report = stop_cluster(script(), CONFIG, Recorder(told))
    assert told == ["stop workers: h2", "stop head: h1"]
    assert report.stopped == {"test/h1/ray-head": 3, "test/h2/ray-worker": 3}
    assert report.unreached == ()


def test_without_the_head_the_rest_comes_down_without_a_lock() -> None:
    made = script(gone="h1")
    report = stop_cluster(made, CONFIG, SILENT)
    assert report.stopped == {"test/h2/ray-worker": 3}
    assert [str(error) for error in report.unreached] == ["h1: does not answer\n  hint: ping"]
    assert HOLD not in [name for _, name, _ in made.ran]


def test_ray_is_not_pulled_from_under_a_model() -> None:
    made = script(head=("ray-head", "vllm-tiny"))
    with pytest.raises(PreflightError, match="h1: vllm-tiny still runs"):
        stop_cluster(made, CONFIG, SILENT, only_ray=True)
    assert STOP not in [name for _, name, _ in made.ran]


def test_what_survives_kill_is_an_error() -> None:
    with pytest.raises(HostsError, match=r"survive KILL: 77 \(python stuck\)"):
        stop_cluster(script(left={"77": "python stuck"}), CONFIG, SILENT)


class Releases(list[str]):
    """An allocator that keeps what it was given back."""

    name = "static"

    def acquire(
        self, transport: Transport, config: ClusterConfig, reporter: Reporter
    ) -> tuple[Node, ...]:
        raise AssertionError

    def release(self, transport: Transport, config: ClusterConfig) -> None:
        self.append(config.name)


@pytest.mark.parametrize(
    ("gone", "only_ray", "released"),
    [("", False, ["test"]), ("h2", False, []), ("", True, [])],
)
def test_nodes_go_back_when_nothing_of_ours_is_left(
    monkeypatch: pytest.MonkeyPatch, gone: str, only_ray: bool, released: list[str]
) -> None:
    releases = Releases()
    monkeypatch.setitem(ALLOCATORS, releases.name, releases)
    stop_cluster(script(gone=gone), CONFIG, SILENT, only_ray=only_ray)
    assert releases == released


def test_a_host_that_says_nothing_of_itself_is_stopped_all_the_same() -> None:
    """One that does not let us in is not: nobody could."""
    one, two = CONFIG.node

    def stops(error: OrchestrateError) -> str:
        facts = Facts((host_facts(one),), (Unreached(two, error),))
        return str(plan_stop(CONFIG, facts))

    assert "h2: stop test/h2\n" in stops(HostError("h2", "the probe failed")) + "\n"
    assert "h2: stop" not in stops(Unreachable("h2", "does not answer"))


def test_where_services_cannot_be_read_all_that_is_ours_is_stopped() -> None:
    host = host_facts(CONFIG.head, unread={"services": "Input/output error"})
    assert "h1: stop test/h1" in str(plan_stop(CONFIG, Facts((host,), ())))


def test_ray_is_not_pulled_from_under_what_cannot_be_read() -> None:
    def probe(node: Node, request: Any) -> Any:
        return host_facts(node, unread={"services": "no"}).model_dump(exclude={"node"})

    made = Script(answers={PROBE: probe}, talks={HOLD: [{"held": True}]})
    with pytest.raises(PreflightError, match="h1: what runs there cannot be read"):
        stop_cluster(made, CONFIG, SILENT, only_ray=True)


@pytest.mark.parametrize("kept", [(), ("/tmp/ray-test-ada/x: Device or resource busy",)])
def test_what_could_not_be_removed_is_not_called_removed(kept: tuple[str, ...]) -> None:
    facts = Facts((host_facts(CONFIG.head, folders=("/tmp/ray-test-ada",)),), ())
    told = removed_folders(facts, [Stopped({}, (), {}, kept, "h1")])
    assert told == (() if kept else ("h1: /tmp/ray-test-ada",))


def test_folders_that_a_failed_start_left_are_removed_and_told() -> None:
    def probe(node: Node, request: Any) -> Any:
        facts = host_facts(node, folders=("/tmp/ray-test-ada",) if node.is_head else ())
        return facts.model_dump(exclude={"node"})

    def stop(node: Node, request: Any) -> Any:
        assert request["remove"] == ["/tmp/ray-test-ada"]
        assert request["marks"] == []
        return {"stopped": {}, "killed": [], "left": {}}

    made = Script(answers={PROBE: probe, STOP: stop}, talks={HOLD: [{"held": True}]})
    report = stop_cluster(made, CONFIG, SILENT)
    assert report.removed == ("h1: /tmp/ray-test-ada",)
    assert "h1: /tmp/ray-test-ada removed" in str(stopped(report))


def test_a_cluster_is_not_called_down_while_a_host_is_lost() -> None:
    lost = StopReport("test", {"test/h1/ray-head": 3}, (), (Unreachable("h2", "gone"),), 1.0)
    assert "is down" not in str(stopped(lost))
    assert "1 host could not be asked" in str(stopped(lost))
