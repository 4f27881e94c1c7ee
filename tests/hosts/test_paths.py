"""Paths between hosts, tried for real: ports, packets of full size, interface names."""

import json
from collections.abc import Iterator

import pytest

from cluster.finding import Finding
from tests.hosts.lab import Lab
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts

DROP_ALL = (
    "nft add table inet closed && nft 'add chain inet closed in "
    "{ type filter hook input priority 0; }' && nft add rule inet closed in iif fast0 drop"
)


def found(lab: Lab, *checks: str) -> list[Finding]:
    """What `cluster check --json` says beside passes, of these checks alone."""
    report = json.loads(lab.run("cluster", "check", "--json").stdout)
    all_of = [Finding(**each) for each in report["findings"]]
    return [each for each in all_of if each.state != "pass" and each.check in checks]


def test_all_passes(lab: Lab) -> None:
    report = json.loads(lab.run("cluster", "check", "--json").stdout)
    passed = {(f["check"], f["where"]) for f in report["findings"] if f["state"] == "pass"}
    names = ("link", "speed", "mtu", "path-mtu", "firewall")
    assert {(name, host) for name in names for host in ("h1", "h2")} <= passed
    lab.nothing_left()


def test_our_own_ray_on_its_port_is_no_firewall(ray: Lab) -> None:
    assert found(ray, "firewall") == []


def test_a_port_that_is_dropped_in_one_direction(lab: Lab) -> None:
    lab.hosts[0].drop_port(6379)
    try:
        (dropped,) = found(lab, "firewall", "paths")
        assert (dropped.where, dropped.state) == ("h2 -> h1", "failure")
        assert dropped.what.startswith("TCP port 6379 (ray.port) of 10.77.128.1: dropped")
        assert "ufw allow from 10.77.128.0/24" in dropped.hint
    finally:
        lab.hosts[0].allow_port(6379)


def test_a_port_that_is_refused(lab: Lab) -> None:
    lab.hosts[1].refuse_port(20999)
    try:
        (refused,) = found(lab, "firewall", "paths")
        assert refused.where == "h1 -> h2"
        assert "TCP port 20999 (ray.worker_ports) of 10.77.128.2: refused" in refused.what
    finally:
        lab.hosts[1].allow_port(20999)


def test_a_firewall_that_drops_everything(lab: Lab) -> None:
    lab.hosts[1].run(DROP_ALL)
    try:
        (dead,) = found(lab, "firewall", "paths", "path-mtu")
        assert (dead.check, dead.state) == ("paths", "failure")
        assert "no port and no packet is answered" in dead.what
    finally:
        lab.hosts[1].run("nft delete table inet closed")


@pytest.fixture
def small_switch(lab: Lab) -> Iterator[Lab]:
    """The switch's port to h2 takes no more than 4200 bytes; both hosts believe in 9000."""
    words = ["ip", "link", "set", "h2-fast", "mtu"]
    lab.testbed.control([*words, "4200"], check=True)
    yield lab
    lab.testbed.control([*words, "9000"], check=True)


def test_a_switch_with_a_smaller_mtu(small_switch: Lab) -> None:
    """The hosts' own figures agree: only a packet that is sent finds it."""
    said = {each.where: each for each in found(small_switch, "mtu", "path-mtu", "firewall")}
    assert {each.check for each in said.values()} == {"path-mtu"}
    there = said["h1 -> h2"]
    assert there.state == "failure"
    assert "packets of 9000 bytes do not arrive; the largest that does has 4200" in there.what
    # towards the switch the kernel leaves room for a VLAN tag
    assert "the largest that does has 420" in said["h2 -> h1"].what


def test_one_host_with_a_smaller_mtu(lab: Lab) -> None:
    lab.hosts[1].run("ip link set fast0 mtu 1500")
    try:
        (small,) = found(lab, "mtu", "path-mtu")
        assert (small.where, small.state) == ("h2", "warning")
        assert small.hint == "sudo ip link set dev fast0 mtu 9000"
    finally:
        lab.hosts[1].run("ip link set fast0 mtu 9000")


def renamed(host: Host, old: str, new: str) -> None:
    host.run(f"ip link set {old} down && ip link set {old} name {new} && ip link set {new} up")


def test_interface_names_that_differ(lab: Lab) -> None:
    renamed(lab.hosts[1], "fast0", "enp1s0")
    try:
        assert found(lab, "link", "firewall", "path-mtu", "address") == []
    finally:
        renamed(lab.hosts[1], "enp1s0", "fast0")


def test_a_cable_that_is_out(lab: Lab) -> None:
    lab.hosts[1].cut("fast")
    try:
        (down,) = found(lab, "link", "paths", "firewall", "path-mtu")
        assert (down.where, down.state) == ("h2", "failure")
        assert down.what == "fast0 (10.77.128.2) is down"
    finally:
        lab.hosts[1].join("fast")
