"""A host in between that is no node: what goes wrong there is told of it, and of no node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts.lab import QUICK, Lab
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts

PORT = 2222


@contextmanager
def bastion(lab: Lab, *options: str) -> Iterator[tuple[Host, str]]:
    """A second sshd of h1, with a key of its own, through which both nodes are reached."""
    host = lab.hosts[0]
    host.run("rm -f /root/bastion*; ssh-keygen -q -t ed25519 -N '' -f /root/bastion")
    words = ["-p", str(PORT), "-f", "/dev/null", "-E", "/root/bastion.log"]
    own = ["HostKey=/root/bastion", "PidFile=/run/bastion.pid", "LogLevel=VERBOSE", *options]
    host.run(["/usr/sbin/sshd", *words, *(f"-o{each}" for each in own)])
    lab.use(tables=QUICK.replace("[ssh]", f'[ssh]\nproxy_jump = "root@{host.management}:{PORT}"'))
    try:
        yield host, f"{host.management}:{PORT}"
    finally:
        host.run("kill $(cat /run/bastion.pid)")


def test_its_key_is_trusted_before_those_of_the_nodes(lab: Lab) -> None:
    home = lab.station("fresh")
    known = Path(home["HOME"], ".ssh/known_hosts")
    known.unlink()
    with bastion(lab) as (host, place):
        said = lab.fails("cluster", "start", env=home)
        assert said.count(f"unknown host key of the jump host {place}") == 2
        done = lab.ok("cluster", "trust", "--yes", env=home)
        assert f"jump host {host.management}  [{host.management}]:{PORT}" in done
        assert "1 key added" in done
        assert "2 keys added" in done
        assert lab.run("status", env=home).returncode == 0


def test_a_wrong_key_of_it_is_never_told_of_a_node(lab: Lab) -> None:
    home = lab.station("deceived")
    known = Path(home["HOME"], ".ssh/known_hosts")
    with bastion(lab) as (host, place):
        lines = known.read_text()
        key = lines.splitlines()[0].split(maxsplit=1)[1]
        known.write_text(f"{lines}[{host.management}]:{PORT} {key}\n")
        said = lab.fails("cluster", "start", env=home)
        assert f"WRONG HOST KEY of the jump host {place}" in said
        assert f"ssh-keygen -R '[{host.management}]:{PORT}'" in said
        assert "changed" in lab.run("cluster", "trust", "--yes", env=home).stdout


def test_it_is_down_or_refuses_us_or_forwards_nothing(lab: Lab) -> None:
    home = lab.station("used")
    with bastion(lab, "AllowTcpForwarding=no") as (_, place):
        lab.run("cluster", "trust", "--yes", env=home)
        said = lab.fails("cluster", "start", env=home)
        assert f"the jump host before {lab.hosts[1].management}:22 forwards nothing" in said
    said = lab.fails("cluster", "start", env=home)
    assert said.count(f"the jump host {place}: Connection refused") == 2
    with bastion(lab, "AuthorizedKeysFile=none") as (host, place):
        known = Path(home["HOME"], ".ssh/known_hosts")
        key = host.run(["cat", "/root/bastion.pub"]).stdout
        known.write_text(f"[{host.management}]:{PORT} {key}")
        said = lab.fails("cluster", "start", env=home)
        assert said.count(f"the jump host {place} refused every key") == 2


def test_all_nodes_share_one_login_there(lab: Lab) -> None:
    """MaxStartups 1 sends away whoever comes while another has not logged in yet."""
    home = lab.station("shared")
    with bastion(lab, "MaxStartups=1:100:1") as (host, _):
        lab.ok("cluster", "trust", "--yes", env=home)
        host.run("truncate -s 0 /root/bastion.log")
        lab.ok("cluster", "start", env=home)
        log = host.run(["cat", "/root/bastion.log"]).stdout
    assert log.count("Accepted publickey") == 1
