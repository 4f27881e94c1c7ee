"""Bringing a cluster up: on which nodes."""

from typing import Any

import pytest

from cluster.allocators import ALLOCATORS
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import SILENT, Reporter
from cluster.start import prepare_start, start_cluster
from cluster.transport.protocol import Transport
from tests.support.factory import config_of, whole
from tests.support.scripted import Script

CONFIG = config_of()
HOLD, SURVEY, COUNT = "cluster.host.hold", "cluster.host.survey", "cluster.host.ray_nodes"


class OnlyTheHead:
    """Gives the head of the two hosts."""

    name = "static"

    def __init__(self) -> None:
        self.asked = 0

    def acquire(
        self, transport: Transport, config: ClusterConfig, reporter: Reporter
    ) -> tuple[Node, ...]:
        self.asked += 1
        return (config.head,)

    def release(self, transport: Transport, config: ClusterConfig) -> None:
        raise AssertionError


@pytest.fixture
def allocator(monkeypatch: pytest.MonkeyPatch) -> OnlyTheHead:
    made = OnlyTheHead()
    monkeypatch.setitem(ALLOCATORS, made.name, made)
    return made


def script() -> Script:
    """Ray is up on both hosts."""
    up = {host.node.name: host for host in whole(CONFIG).hosts}

    def survey(node: Node, request: Any) -> Any:
        return up[node.name].model_dump(exclude={"node"})

    alive = [{"alive": [CONFIG.head.fast]}]
    return Script(answers={SURVEY: survey}, talks={HOLD: [{"held": True}], COUNT: alive})


def test_the_nodes_are_those_that_the_allocator_gives(allocator: OnlyTheHead) -> None:
    made = script()
    report = start_cluster(made, CONFIG, SILENT)
    assert allocator.asked == 1
    assert {name for name, _, _ in made.ran} == {"h1"}
    assert report.hosts == ("h1",)
    (wanted,) = (request["wanted"] for _, name, request in made.ran if name == COUNT)
    assert wanted == [CONFIG.head.fast]


def test_a_dry_run_acquires_nothing(allocator: OnlyTheHead) -> None:
    assert not prepare_start(script(), CONFIG, SILENT).plan
    assert allocator.asked == 0
