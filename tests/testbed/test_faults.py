"""Proof that every fault of a host is the fault that it says it is, and that it can be undone.

Knows the testbed only by its public methods.
"""

import subprocess
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.testbed import cgroups
from tests.testbed.host import Host
from tests.testbed.network import NetworkName
from tests.testbed.observe import (
    SILENCE_S,
    connect,
    greeted,
    silent,
    ssh,
    started,
    wait_for_state,
    wait_until_hung,
)
from tests.testbed.programs import poll
from tests.testbed.testbed import Testbed

pytestmark = pytest.mark.hosts

HostsUp = Callable[[int], Testbed]
SLOW_BYTES = 2_000_000


# -- networks


@pytest.mark.parametrize("network", ["management", "fast"])
def test_cut_and_join(two_hosts: Testbed, network: NetworkName) -> None:
    host = two_hosts.hosts[0]
    other: NetworkName = "fast" if network == "management" else "management"
    host.cut(network)
    assert not host.answers(network, SILENCE_S)
    assert host.answers(other)
    host.join(network)
    poll(lambda: host.answers(network), "the host is back")


def upload_s(testbed: Testbed, host: Host) -> float:
    start = time.monotonic()
    words = testbed.ssh_words(host, "cat >/dev/null")
    testbed.control(words, input="\0" * SLOW_BYTES, check=True)
    return time.monotonic() - start


def download_s(testbed: Testbed, host: Host) -> float:
    start = time.monotonic()
    assert len(ssh(testbed, host, f"head -c {SLOW_BYTES} /dev/zero")) == SLOW_BYTES
    return time.monotonic() - start


def test_shape_slows_both_directions(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.shape("management", "16mbit")  # 2 MB take 1 s
    try:
        assert upload_s(two_hosts, host) > 0.5
        assert download_s(two_hosts, host) > 0.5
    finally:
        host.unshape("management")
    assert "tbf" not in host.run(["tc", "qdisc"]).stdout


def test_ports_can_be_refused_and_dropped(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    with greeted(two_hosts, host) as open_before:
        host.drop_port(22)
        with pytest.raises(TimeoutError):
            connect(two_hosts, host)
        host.refuse_port(22)
        with pytest.raises(ConnectionRefusedError):
            connect(two_hosts, host)
        open_before.send(b"x\n")
        with pytest.raises(ConnectionResetError):
            open_before.recv(1)
    host.allow_port(22)
    assert host.answers()


# -- sshd


def test_sshd_stops_and_starts(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.stop_sshd()
    with pytest.raises(ConnectionRefusedError):
        connect(two_hosts, host)
    host.start_sshd()
    assert host.answers()


def test_a_paused_sshd_connects_and_is_silent(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.pause_sshd()
    with closing(connect(two_hosts, host)) as connection:
        assert silent(connection)
        host.resume_sshd()
        connection.settimeout(5)
        assert connection.recv(4) == b"SSH-"


def test_another_host_key_is_noticed(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    (host,) = testbed.hosts
    assert ssh(testbed, host, "hostname") == "h1\n"
    host.new_host_key()
    result = testbed.control(testbed.ssh_words(host, "hostname"))
    assert result.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in result.stderr


# -- files and memory


def test_hide_makes_a_folder_empty_and_read_only(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.hide("/usr/share")
    assert host.run("ls -A /usr/share").stdout == ""
    assert "Read-only" in host.run("touch /usr/share/x", check=False).stderr
    host.free_mount("/usr/share")
    assert host.run("ls -A /usr/share").stdout != ""


def test_a_small_tmpfs_is_soon_full(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.small_tmpfs("/root/small", "64k")
    write = host.run("head -c 100000 /dev/zero > /root/small/x", check=False)
    assert "No space left" in write.stderr
    host.free_mount("/root/small")


def test_a_hung_mount_blocks_until_it_is_freed(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    host.hang_mount("/mnt/cache")
    with started(host, ["stat", "/mnt/cache"]) as process:
        wait_until_hung(host, "/mnt/cache")
        host.run(["pkill", "-9", "-f", "^stat /mnt/cache"])
        wait_for_state(host, "stat /mnt/cache", "D")
        with pytest.raises(subprocess.TimeoutExpired):
            host.run(["df", "/mnt/cache"], timeout_s=0.2)
        assert "fuse.hung" in host.run(["cat", "/proc/self/mountinfo"]).stdout
        host.free_mount("/mnt/cache")
        assert process.wait(5) != 0
    assert host.run(["stat", "/mnt/cache"]).returncode == 0


def test_a_hung_mount_does_not_stop_down(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    (host,) = testbed.hosts
    host.hang_mount("/mnt/cache")
    with started(host, ["stat", "/mnt/cache"]) as process:
        wait_until_hung(host, "/mnt/cache")
        testbed.down()
        assert process.wait(5) != 0


@pytest.mark.skipif("memory" not in cgroups.controllers(), reason="no cgroup v1 memory controller")
def test_memory_over_the_limit_is_killed(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    (host,) = testbed.hosts
    host.limit_memory(64 << 20)
    hungry = testbed.ssh_words(host, "python3 -S -c 'x = bytearray(200 << 20)'; echo $?")
    assert testbed.control(hungry).stdout.strip() == "137"
    host.limit_memory(None)
    assert testbed.control(hungry).stdout.strip() == "0"
