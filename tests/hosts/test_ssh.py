"""Hosts that do not let us in: each says which host, at which step, and what to type next."""

import json
from pathlib import Path

import pytest

from tests.hosts.lab import QUICK, Lab
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts

FAR_PORT = 2222


def known_hosts(home: dict[str, str]) -> Path:
    return Path(home["HOME"], ".ssh/known_hosts")


def test_unknown_keys_are_refused_until_they_are_trusted(lab: Lab) -> None:
    home = lab.station("new")
    known_hosts(home).unlink()
    said = lab.fails("cluster", "start", env=home)
    for host in lab.hosts:
        assert f"{host.name}: unknown host key of {host.management}:22 (ssh-ed25519 SHA256:" in said
    assert "hint: orchestrate cluster trust" in said
    lab.nothing_left()
    assert "2 keys added" in lab.ok("cluster", "trust", "--yes", env=home)
    lab.ok("cluster", "start", env=home)


def test_trust_adds_nothing_without_a_yes(lab: Lab) -> None:
    home = lab.station("hesitant")
    known_hosts(home).write_text("")
    assert "interrupted" in lab.fails("cluster", "trust", code=130, env=home)
    assert known_hosts(home).read_text() == ""


def test_a_wrong_key_is_neither_accepted_nor_added(lab: Lab) -> None:
    home = lab.station("deceived")
    lines = known_hosts(home).read_text()
    first, second = (host.management for host in lab.hosts)
    swapped = lines.replace(first, "-").replace(second, first).replace(",-,", f",{second},")
    known_hosts(home).write_text(swapped)
    said = lab.fails("cluster", "start", env=home)
    assert f"h2: WRONG HOST KEY of {second}:22" in said
    assert f"ssh-keygen -R '{second}'" in said
    assert "changed" in lab.run("cluster", "trust", "--yes", env=home).stdout
    assert known_hosts(home).read_text() == swapped


def test_a_refused_key(lab: Lab) -> None:
    host = lab.hosts[1]
    keys = "/root/.ssh/authorized_keys"
    host.run(f"mv {keys} {keys}.away")
    try:
        said = lab.fails("cluster", "start")
    finally:
        host.run(f"mv {keys}.away {keys}")
    assert f"h2: {host.management}:22 refused every key" in said
    assert f"hint: ssh-copy-id -p 22 root@{host.management}" in said
    lab.nothing_left()


def test_a_host_without_power(lab: Lab) -> None:
    host = lab.hosts[1]
    host.power_off()
    said = lab.fails("cluster", "start")
    assert f"h2: {host.management}:22" in said
    assert "hint: is the host up" in said
    lab.nothing_left()


def test_both_hosts_without_power_are_both_named(lab: Lab) -> None:
    for host in lab.hosts:
        host.power_off()
    said = lab.fails("cluster", "start")
    assert "h1: " in said
    assert "h2: " in said


def test_an_sshd_that_accepts_and_is_silent(lab: Lab) -> None:
    host = lab.hosts[1]
    host.pause_sshd()
    try:
        said = lab.fails("cluster", "start")
    finally:
        host.resume_sshd()
    assert f"h2: {host.management}:22 accepts connections but does not speak SSH" in said
    lab.nothing_left()


def test_a_firewall_before_the_ssh_port(lab: Lab) -> None:
    host = lab.hosts[1]
    host.drop_port(22)
    try:
        said = lab.fails("cluster", "start")
    finally:
        host.allow_port(22)
    assert f"h2: {host.management}:22 does not answer" in said
    assert "firewall" in said


def test_a_name_that_does_not_resolve(lab: Lab) -> None:
    lab.use(nodes={"h2": {"address": "nowhere.invalid"}})
    said = lab.fails("cluster", "start")
    assert "h2: the name of nowhere.invalid:22 does not resolve" in said
    assert "`address` in nodes.toml" in said


def test_another_ssh_port(lab: Lab) -> None:
    """trust adds its key under [address]:port."""
    home = lab.station("far")
    known_hosts(home).unlink()
    for host in lab.hosts:
        host.run(["/usr/sbin/sshd", "-p", str(FAR_PORT), "-o", "PidFile=/run/far.pid"])
    lab.use(tables=QUICK.replace("[ssh]", f"[ssh]\nport = {FAR_PORT}"))
    try:
        assert f":{FAR_PORT} (ssh-ed25519" in lab.run("status", env=home).stdout
        lab.ok("cluster", "trust", "--yes", env=home)
        lab.ok("cluster", "start", env=home)
    finally:
        for host in lab.hosts:
            host.run("kill $(cat /run/far.pid)")
    assert f"[{lab.hosts[0].management}]:{FAR_PORT}" in known_hosts(home).read_text()


def block_station(host: Host) -> None:
    rules = "type filter hook input priority 0\nip saddr 10.77.0.254 tcp dport 22 drop\n"
    host.run(["nft", "-f", "-"], input=f"table inet far {{ chain input {{ {rules}}}\n}}\n")


def test_a_host_behind_another(lab: Lab) -> None:
    """h2 answers h1 alone."""
    first, second = lab.hosts
    block_station(second)
    try:
        assert "h2: " in lab.fails("cluster", "start")
        lab.use(nodes={"h2": {"proxy_jump": f"root@{first.management}:22"}})
        lab.ok("cluster", "start")
        assert lab.marked().keys() == {"h1", "h2"}
        lab.ok("teardown", "--yes")
    finally:
        second.run("nft delete table inet far")
    lab.nothing_left()


def test_the_host_in_between_must_be_known_too(lab: Lab) -> None:
    home = lab.station("between")
    lines = known_hosts(home).read_text().splitlines(keepends=True)
    known_hosts(home).write_text("".join(line for line in lines if line.startswith("h2")))
    lab.use(nodes={"h2": {"proxy_jump": f"root@{lab.hosts[0].management}:22"}})
    first = lab.hosts[0].management
    report = json.loads(lab.run("status", "--json", env=home).stdout)
    told = [host["problem"].partition(" (")[0] for host in report["hosts"]]
    assert told == [
        f"unknown host key of {first}:22",
        f"unknown host key of the jump host {first}:22",
    ]
    assert f"jump host {first}" in lab.ok("cluster", "trust", "--yes", env=home)
    assert lab.run("status", env=home).returncode == 0


def test_damaged_lines_of_known_hosts_stop_nobody(lab: Lab) -> None:
    """As with ssh; nor do those with a marker, of other hosts."""
    home = lab.station("damaged")
    with known_hosts(home).open("a") as file:
        file.write("somehost ssh-ed25519 AAAA-not-a-key\n@cert-authority *.far ssh-rsa AAAA\n")
    lab.ok("cluster", "trust", env=home)
    assert lab.run("status", env=home).returncode == 0
