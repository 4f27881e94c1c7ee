"""Who is measured with whom, what is expected of it, and what a bad figure is told as."""

from itertools import combinations
from typing import Any

import pytest

from cluster.bandwidth.findings import Measured, bandwidth_findings, rated
from cluster.bandwidth.measure import measure_bandwidth, rounds
from cluster.bandwidth.nccl import NcclRate, measure_nccl, nccl_finding, why_not
from cluster.bandwidth.rdma import Lane, average_gbit, lanes, measure_rdma
from cluster.errors import HostError
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from tests.support.factory import config_of, entry, gpu, host_facts, interface, service, spark
from tests.support.scripted import Script

# written by hand after perftest's format: no such device here
SAMPLE = """\
---------------------------------------------------------------------------------------
 #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]
 65536      369270           0.00               96.80  		     0.184631
---------------------------------------------------------------------------------------
"""
SPARKS = config_of(
    {"name": "s1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"},
    {"name": "s2", "fast_address": "192.168.100.11", "address": "10.1.0.2"},
)
S1, S2 = (spark(node, f"192.168.101.1{place}") for place, node in enumerate(SPARKS.node))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 8, 16])
def test_each_two_meet_once_and_nobody_is_in_two_places(count: int) -> None:
    made = rounds(range(count))
    met = [frozenset(pair) for pairs in made for pair in pairs]
    assert sorted(map(sorted, met)) == sorted(map(list, combinations(range(count), 2)))
    for pairs in made:
        busy = [each for pair in pairs for each in pair]
        assert len(busy) == len(set(busy))
    assert len(made) <= max(0, count - 1 + count % 2)


def judged(
    config: ClusterConfig, hosts: tuple[HostFacts, ...], *measured: Measured
) -> list[Finding]:
    facts = Facts(hosts, ())
    found = bandwidth_findings(facts, rated(config, facts, measured))
    return [each for each in found if each.state != "pass"]


def test_one_machine_alone_has_nothing_to_measure() -> None:
    alone = config_of({"name": "local", "role": "head", "fast_address": "127.0.0.2"})
    answer = host_facts(alone.head).model_dump(exclude={"node"})
    script = Script({"cluster.host.probe": lambda node, request: answer})
    report = measure_bandwidth(script, alone, SILENT)
    assert (report.findings, report.notes) == ((), ("fewer than two hosts are on the fast link",))


def links(speed: int | None, **tables: Any) -> tuple[ClusterConfig, tuple[HostFacts, ...]]:
    config = config_of(entry(1), entry(2), **tables)
    hosts = tuple(
        host_facts(node, interfaces=(interface("eth1", node.fast, speed=speed),))
        for node in config.node
    )
    return config, hosts


def test_against_the_speed_of_the_interface() -> None:
    config, hosts = links(10000)
    assert judged(config, hosts, Measured("h1", "h2", "tcp", 6.1)) == []
    (slow,) = judged(config, hosts, Measured("h2", "h1", "tcp", 0.1))
    assert (slow.where, slow.state) == ("h2 -> h1", "warning")
    assert slow.what == "TCP 0.1 Gb/s of 10 expected (the speed of the interfaces): 1%"
    assert "1. cable, transceiver or switch port: on h2: sudo ethtool eth1" in slow.hint


def test_nodes_toml_knows_better() -> None:
    config, hosts = links(10000, cluster={"name": "test", "fast_gbit": 1})
    assert judged(config, hosts, Measured("h1", "h2", "tcp", 0.9)) == []
    (slow,) = judged(config, hosts, Measured("h1", "h2", "tcp", 0.5))
    assert "of 1 expected (`fast_gbit` of nodes.toml)" in slow.what


def test_without_a_speed_the_pairs_are_held_against_each_other() -> None:
    config, hosts = links(None)
    assert judged(config, hosts, Measured("h1", "h2", "tcp", 0.5)) == []
    there, back = Measured("h1", "h2", "tcp", 0.5), Measured("h2", "h1", "tcp", 9.0)
    assert [each.where for each in judged(config, hosts, there, back)] == ["h1 -> h2"]
    more = [Measured("h2", "h1", "tcp", 8.0), Measured("h2", "h1", "tcp", 9.0)]
    (slow,) = judged(config, hosts, there, *more)
    assert "of 8 expected (the median of all pairs)" in slow.what


def test_tcp_is_not_asked_for_more_than_it_can_carry() -> None:
    assert judged(SPARKS, (S1, S2), Measured("s1", "s2", "tcp", 61.0)) == []
    (slow,) = judged(SPARKS, (S1, S2), Measured("s1", "s2", "tcp", 50.0))
    assert "of 100 expected (what TCP carries of 200 Gb/s)" in slow.what


def test_causes_in_the_order_of_their_likelihood() -> None:
    cable = (
        interface("enp1s0f0np0", S1.node.fast, mtu=1500, speed=200000, rdma=("rocep1s0f0",)),
        interface("enP2p1s0f0np0", speed=200000, rdma=("roceP2p1s0f0",)),
    )
    lame = S1.model_copy(update={"interfaces": cable})
    (slow,) = judged(SPARKS, (lame, S2), Measured("s1", "s2", "tcp", 12.9, busy=0.95))
    signs = ("MTU below 9000 on s1", "twins is in use on s1", "fell back to 13 Gb/s", "cable,")
    places = [slow.hint.index(sign) for sign in (*signs, "a limit or other", "95% busy")]
    assert places == sorted(places)
    (plain,) = judged(SPARKS, (S1, S2), Measured("s1", "s2", "rdma", 97.0))
    assert "of 200 expected" in plain.what
    assert "1. cable" in plain.hint


# -- RDMA


def test_lanes_join_addresses_on_the_same_network() -> None:
    assert lanes(S1, S2) == [
        Lane("192.168.100.10", "192.168.100.11", "enp1s0f0np0"),
        Lane("192.168.101.10", "192.168.101.11", "enp1s0f0np0"),
    ]
    assert lanes(host_facts(S1.node), host_facts(S2.node)) == []


def test_ib_write_bw_is_read() -> None:
    assert average_gbit(SAMPLE) == 96.8
    assert average_gbit("Couldn't connect to 192.168.100.11:18515\n") is None


def test_both_twins_are_measured_at_once_and_added() -> None:
    def answer(node: Node, request: Any) -> Any:
        return {"code": 0, "out": SAMPLE}

    script = Script({"cluster.host.bandwidth_rdma": answer})
    measured = measure_rdma(script, S1, S2)
    assert measured == Measured("s1", "s2", "rdma", 193.6)
    asked = {(name, ask["address"], ask["peer"], ask["port"]) for name, _, ask in script.ran}
    assert asked == {
        ("s1", "192.168.100.10", "192.168.100.11", 18515),
        ("s2", "192.168.100.11", "", 18515),
        ("s1", "192.168.101.10", "192.168.101.11", 18516),
        ("s2", "192.168.101.11", "", 18516),
    }
    assert judged(SPARKS, (S1, S2), measured) == []


def test_what_ib_write_bw_said_is_shown() -> None:
    def answer(node: Node, request: Any) -> Any:
        return {"code": 1, "out": "Couldn't allocate MR\n"}

    with pytest.raises(HostError, match="Couldn't allocate MR"):
        measure_rdma(Script({"cluster.host.bandwidth_rdma": answer}), S1, S2)


# -- NCCL: planned here, run on GPUs only


def test_nccl_runs_one_rank_a_host_with_its_own_environment() -> None:
    def answer(node: Node, request: Any) -> Any:
        return {"gbyte_s": 22.5 if request["rank"] else 22.1, "nccl": "2.28.9"}

    script = Script({"cluster.host.bandwidth_nccl": answer})
    assert measure_nccl(script, SPARKS, (S1, S2)) == NcclRate(22.1, 21.9, "2.28.9")
    asked = {name: ask for name, _, ask in script.ran}
    assert {name: ask["rank"] for name, ask in asked.items()} == {"s1": 0, "s2": 1}
    assert {ask["address"] for ask in asked.values()} == {"192.168.100.10"}
    assert asked["s2"]["env"]["VLLM_HOST_IP"] == "192.168.100.11"
    assert asked["s2"]["env"]["NCCL_IB_HCA"] == "roceP2p1s0f0,rocep1s0f0"


def test_nccl_that_fails_says_why() -> None:
    def answer(node: Node, request: Any) -> Any:
        return {"error": "DistBackendError: no socket interface found"}

    with pytest.raises(HostError, match="no socket interface found"):
        measure_nccl(Script({"cluster.host.bandwidth_nccl": answer}), SPARKS, (S1, S2))


def test_the_gate_of_two_sparks() -> None:
    assert nccl_finding(NcclRate(22.0, 21.9, "2.28.9")).state == "pass"
    slow = nccl_finding(NcclRate(12.0, 21.9, "2.28.9"))
    assert slow.state == "warning"
    assert "12 GB/s bus bandwidth, good from 21.9" in slow.what


def test_nccl_leaves_a_running_model_in_peace() -> None:
    assert why_not((S1, S2)) == ""
    serving = S1.model_copy(update={"services": (service("vllm-tiny"),)})
    assert why_not((serving, S2)) == "NCCL was not measured: vllm-tiny runs on s1"
    full = host_facts(S2.node, gpus=(gpu(memory_free=1 << 30),))
    assert "less than 4 GiB of GPU memory are free on s2" in why_not((S1, full))
    assert "no GPU on s2" in why_not((S1, host_facts(S2.node, gpus=())))
