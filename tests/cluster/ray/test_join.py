"""Waiting until Ray's head counts every host, with hosts that say what the test wrote down."""

from typing import Any

import pytest

from cluster.errors import HostsError
from cluster.ray.join import await_nodes
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from tests.support.factory import config_of, entry, host_facts
from tests.support.reporter import Recorder
from tests.support.scripted import END, Script

CONFIG = config_of(entry(1), entry(2))
HEAD, WORKER = CONFIG.node
SERVICE = Service("test", "ray-worker", WORKER, Command(("ray",)))


def wait(counter: list[Any], *log: Any) -> list[str]:
    script = Script(talks={"cluster.host.ray_nodes": counter, "cluster.host.follow": list(log)})
    told: list[str] = []
    await_nodes(script, CONFIG, host_facts(HEAD), [SERVICE], Recorder(told))
    return told


def test_hosts_are_told_as_they_join() -> None:
    assert wait([{"alive": ["10.0.0.1"]}, {"alive": ["10.0.0.1", "10.0.0.2"]}]) == [
        "h1 has joined Ray (1 of 2)",
        "h2 has joined Ray (2 of 2)",
    ]


def test_a_worker_that_dies_shows_its_log_and_not_the_consequence() -> None:
    dead = {"exit": {"code": 1, "reason": "exited with code 1", "at": 0}}
    with pytest.raises(HostsError) as caught:
        wait([{"alive": ["10.0.0.1"]}], {"line": "cannot reach Ray's head 10.0.0.1:6379"}, dead)
    assert str(caught.value) == (
        "h2: ray-worker exited with code 1\n"
        "    | cannot reach Ray's head 10.0.0.1:6379\n"
        "  hint: is a firewall between the hosts, or the fast link down?"
    )


def test_a_counter_that_gives_up_names_who_is_missing() -> None:
    with pytest.raises(HostsError, match="does not count h2 alive within 90 s") as caught:
        wait([{"alive": ["10.0.0.1"]}, {"problem": "only 10.0.0.1 joined"}, END])
    assert "orchestrate logs ray-worker --host h2" in str(caught.value)
