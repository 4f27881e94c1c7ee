"""What the facts alone say of the fast link and of the RoCE devices behind it."""

from cluster.checks.link import link_findings
from cluster.checks.roce import roce_findings
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from tests.support.factory import config_of, entry, fresh, gb10, host_facts, interface, spark

CONFIG = config_of(entry(1), entry(2))
HEAD, WORKER = CONFIG.node
SPARKS = config_of(
    {"name": "s1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"},
    {"name": "s2", "fast_address": "192.168.100.11", "address": "10.1.0.2"},
)
S1, S2 = SPARKS.node


def link(*hosts: HostFacts) -> list[Finding]:
    return bad(link_findings(CONFIG, Facts(hosts, ())))


def roce(*hosts: HostFacts) -> list[Finding]:
    return bad(roce_findings(CONFIG, Facts(hosts, ())))


def bad(findings: object) -> list[Finding]:
    return [found for found in findings if found.state != "pass"]  # type: ignore[attr-defined]


def test_sane_hosts_and_sparks_pass() -> None:
    facts = fresh(CONFIG)
    assert link(*facts.hosts) == []
    sparks = (spark(S1, "192.168.101.10"), spark(S2, "192.168.101.11"))
    assert link(*sparks) == roce(*sparks) == []
    passed = list(roce_findings(SPARKS, Facts(sparks, ())))
    assert [found.what for found in passed] == ["NCCL uses roceP2p1s0f0,rocep1s0f0"] * 2


def test_hosts_without_roce_are_told_nothing() -> None:
    assert list(roce_findings(CONFIG, fresh(CONFIG))) == []


def test_each_link_is_held_against_the_others() -> None:
    slow = host_facts(
        HEAD, interfaces=(interface("eth1", HEAD.fast, mtu=1500, speed=25000, up=False),)
    )
    fast = host_facts(WORKER, interfaces=(interface("ens5", WORKER.fast, speed=100000),))
    found = link(slow, fast)
    assert [(f.check, f.where, f.state) for f in found] == [
        ("link", "h1", "failure"),
        ("speed", "h1", "warning"),
        ("mtu", "h1", "warning"),
    ]
    assert found[0].what == "eth1 (10.0.0.1) is down"
    assert found[1].what == "eth1 runs at 25 Gb/s, another host's at 100"
    assert "the MTU of eth1 is 1500, another host's 9000" in found[2].what
    assert found[2].hint == "sudo ip link set dev eth1 mtu 9000"


def test_a_sparks_port_that_fell_back() -> None:
    slow = interface("enp1s0f0np0", HEAD.fast, speed=10000)
    (found,) = link(host_facts(HEAD, interfaces=(slow,), gpus=(gb10(),)))
    assert "runs at 10 Gb/s, a DGX Spark's port at 200" in found.what


def test_a_small_mtu_matters_to_roce_even_if_it_is_the_same() -> None:
    small = interface("ib0", HEAD.fast, mtu=1500, rdma=("mlx5_0",))
    (found,) = link(host_facts(HEAD, interfaces=(small,)))
    assert "RoCE reaches about half" in found.what
    assert link(host_facts(HEAD, interfaces=(interface("eth0", HEAD.fast, mtu=1500),))) == []


def test_nodes_toml_may_not_contradict_the_host() -> None:
    env = {"GLOO_SOCKET_IFNAME": "eth9", "NCCL_IB_GID_INDEX": "3", "NCCL_IB_HCA": "rocep1s0f0:1"}
    host = spark(S1.model_copy(update={"env": env}), "192.168.101.10")
    named, index = link(host)
    assert "env.GLOO_SOCKET_IFNAME is eth9, but 192.168.100.10 is on enp1s0f0np0" in named.what
    assert "drifts after a reboot" in index.what
    (hca,) = roce(host)
    assert hca.what == "env.NCCL_IB_HCA leaves out roceP2p1s0f0"


def without_twin() -> HostFacts:
    links = (
        interface("enp1s0f0np0", S1.fast, rdma=("rocep1s0f0",)),
        interface("enP2p1s0f0np0", rdma=("roceP2p1s0f0",)),
    )
    return spark(S1, "", interfaces=links)


def test_a_twin_without_an_address_gets_the_line_to_type() -> None:
    (found,) = roce(without_twin())
    assert found.state == "warning"
    assert "roceP2p1s0f0 is ACTIVE, but its interface enP2p1s0f0np0" in found.what
    assert found.hint.startswith("sudo ip addr add 192.168.101.10/24 dev enP2p1s0f0np0; ")
    assert "{enP2p1s0f0np0: {addresses: [192.168.101.10/24], mtu: 9000}}" in found.hint


def test_the_twins_network_is_that_of_the_other_host() -> None:
    (found,) = roce(without_twin(), spark(S2, "192.168.177.11"))
    assert "ip addr add 192.168.177.10/24 dev enP2p1s0f0np0" in found.hint


def test_twins_on_one_network() -> None:
    (found,) = roce(spark(S1, "192.168.100.110"))
    assert "enp1s0f0np0 and enP2p1s0f0np0 are on the same network 192.168.100.0/24" in found.what


def test_a_port_without_a_cable_is_nobodys_twin() -> None:
    port = interface("enP2p1s0f1np1", rdma=("roceP2p1s0f1",), rdma_down=("roceP2p1s0f1",))
    host = spark(S1, "192.168.101.10")
    assert roce(host.model_copy(update={"interfaces": (*host.interfaces, port)})) == []


def test_a_device_that_is_down_behind_an_address() -> None:
    dead = interface("ib0", HEAD.fast, rdma=("mlx5_0",), rdma_down=("mlx5_0",))
    well = interface("ib0", WORKER.fast, rdma=("mlx5_0",))
    found = roce(host_facts(HEAD, interfaces=(dead,)), host_facts(WORKER, interfaces=(well,)))
    assert [each.what.partition(" b")[0] for each in found] == [
        "mlx5_0",
        "no active RoCE device",
    ]
    assert "NCCL will fall back to TCP" in found[1].what
