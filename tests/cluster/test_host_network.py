"""Interfaces and ports as the kernel shows them."""

import os
import socket

from cluster.host import network


def test_loopback_is_there_with_its_address() -> None:
    found = {each["name"]: each for each in network.interfaces()}
    assert "127.0.0.1" in found["lo"]["addresses"]
    assert found["lo"]["mtu"] > 1000
    assert found["lo"]["rdma"] == []


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
