"""Each host gets its own interface names: never one value for all."""

from cluster.ray.environment import PER_HOST_VARIABLES, network_environment
from tests.support.factory import config_of, entry, gb10, host_facts, interface, spark


def test_spark_names_both_twins_of_the_cable() -> None:
    config = config_of(
        {"name": "s1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"}
    )
    assert network_environment(spark(config.head, "192.168.101.10")) == {
        "VLLM_HOST_IP": "192.168.100.10",
        "NCCL_SOCKET_IFNAME": "enp1s0f0np0",
        "GLOO_SOCKET_IFNAME": "enp1s0f0np0",
        "TP_SOCKET_IFNAME": "enp1s0f0np0",
        "UCX_NET_DEVICES": "enp1s0f0np0",
        "NCCL_IB_DISABLE": "0",
        "NCCL_IB_HCA": "roceP2p1s0f0,rocep1s0f0",
        "NCCL_IGNORE_CPU_AFFINITY": "1",
    }


def test_a_twin_without_an_address_is_not_named() -> None:
    node = config_of().head
    cable = (
        interface("enp1s0f0np0", node.fast, rdma=("rocep1s0f0",)),
        interface("enP2p1s0f0np0", rdma=("roceP2p1s0f0",)),
    )
    env = network_environment(host_facts(node, interfaces=cable, gpus=(gb10(),)))
    assert env["NCCL_IB_HCA"] == "rocep1s0f0"


def test_a_device_that_is_down_is_not_named() -> None:
    node = config_of().head
    cable = (
        interface("enp1s0f0np0", node.fast, rdma=("rocep1s0f0",)),
        interface("enp1s0f1np1", "10.0.7.1", rdma=("rocep1s0f1",), rdma_down=("rocep1s0f1",)),
    )
    env = network_environment(host_facts(node, interfaces=cable, gpus=(gb10(),)))
    assert env["NCCL_IB_HCA"] == "rocep1s0f0"
    dead = (interface("ib0", node.fast, rdma=("mlx5_0",), rdma_down=("mlx5_0",)),)
    assert "NCCL_IB_HCA" not in network_environment(host_facts(node, interfaces=dead))


def test_plain_host_has_no_rdma() -> None:
    env = network_environment(host_facts(config_of().head))
    assert env["NCCL_SOCKET_IFNAME"] == "eth1"
    assert not {"NCCL_IB_HCA", "NCCL_IB_DISABLE", "NCCL_IGNORE_CPU_AFFINITY"} & set(env)


def test_a_server_uses_the_fast_link_devices_alone() -> None:
    node = config_of().head
    links = (
        interface("eth0", "10.9.0.1", rdma=("mlx5_9",)),
        interface("ib0", node.fast, rdma=("mlx5_1", "mlx5_0")),
    )
    assert network_environment(host_facts(node, interfaces=links))["NCCL_IB_HCA"] == "mlx5_0,mlx5_1"


def test_loopback_is_for_one_machine_alone() -> None:
    node = config_of({"name": "local", "role": "head", "fast_address": "127.0.0.2"}).head
    assert network_environment(host_facts(node)) == {
        "VLLM_HOST_IP": "127.0.0.2",
        "NCCL_SOCKET_IFNAME": "lo",
        "GLOO_SOCKET_IFNAME": "lo",
        "TP_SOCKET_IFNAME": "lo",
    }


def test_interface_names_differ_from_host_to_host() -> None:
    first, second = config_of(entry(1), entry(2)).node
    here = network_environment(host_facts(first, interfaces=(interface("eth1", first.fast),)))
    there = network_environment(host_facts(second, interfaces=(interface("ens5", second.fast),)))
    assert (here["GLOO_SOCKET_IFNAME"], there["GLOO_SOCKET_IFNAME"]) == ("eth1", "ens5")


def test_nothing_of_it_may_travel_to_another_host() -> None:
    config = config_of(
        {"name": "s1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"}
    )
    env = network_environment(spark(config.head, "192.168.101.10"))
    assert set(env) - {"NCCL_IGNORE_CPU_AFFINITY"} <= set(PER_HOST_VARIABLES)


def test_without_the_fast_address_there_is_nothing_to_say() -> None:
    node = config_of().head
    assert network_environment(host_facts(node, interfaces=(interface("eth0", "10.9.0.1"),))) == {}
