"""Interfaces and ports as the kernel shows them."""

import os
import socket
from pathlib import Path

from cluster.host import network


def test_loopback_is_there_with_its_address() -> None:
    found = {each["name"]: each for each in network.interfaces()}
    assert "127.0.0.1" in found["lo"]["addresses"]
    assert found["lo"]["mtu"] > 1000
    assert found["lo"]["networks"][0] == "127.0.0.1/8"
    assert found["lo"]["up"]
    assert found["lo"]["rdma"] == []


def test_rdma_devices_as_a_dgx_spark_shows_them(tmp_path: Path) -> None:
    """Port 0 has its cable in, port 1 has not; enP7s7 has no RDMA device."""
    make_interface(tmp_path, "enp1s0f0np0", "rocep1s0f0", "up", "4: ACTIVE")
    make_interface(tmp_path, "enP2p1s0f1np1", "roceP2p1s0f1", "down", "1: DOWN")
    make_interface(tmp_path, "enP7s7", "", "up", "")
    up, down = sorted(network.rdma_interfaces(tmp_path), key=lambda each: each["rdma_down"])
    assert (up["name"], up["up"], up["rdma"], up["rdma_down"]) == (
        *("enp1s0f0np0", True),
        *(["rocep1s0f0"], []),
    )
    assert (up["speed"], up["mtu"], up["addresses"]) == (200000, 9000, [])
    assert (down["name"], down["up"], down["rdma_down"]) == (
        *("enP2p1s0f1np1", False),
        ["roceP2p1s0f1"],
    )


def make_interface(root: Path, name: str, device: str, state: str, port: str) -> None:
    """As /sys/class/net shows one."""
    folder = root / name
    folder.mkdir()
    for file, text in (("speed", "200000"), ("mtu", "9000"), ("operstate", state)):
        (folder / file).write_text(f"{text}\n")
    if device:
        first = folder / "device/infiniband" / device / "ports/1"
        first.mkdir(parents=True)
        (first / "state").write_text(f"{port}\n")


def test_addresses_are_in_the_machines_own_byte_order() -> None:
    assert network.readable("0100007F") == "127.0.0.1"
    assert network.readable("0" * 24 + "01000000") == "::1"
    assert network.readable("0" * 32) == "::"


def test_the_owner_of_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [owner] = network.owners([port])
    assert (owner["port"], owner["address"], owner["pid"]) == (port, "127.0.0.1", os.getpid())
    assert owner["uid"] == os.getuid()
    assert owner["mark"] is None
    assert network.owners([port]) == []
