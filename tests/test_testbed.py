"""Proof that the testbed's hosts behave as real hosts do, and that nothing of them stays.

The faults have a file of their own: testbed/test_faults.py. Knows only public methods.
"""

import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.testbed import cgroups, init
from tests.testbed.observe import greeted, silent, ssh, started, wait_for_state
from tests.testbed.programs import ProgramFailed, poll
from tests.testbed.testbed import Testbed

pytestmark = pytest.mark.hosts

HostsUp = Callable[[int], Testbed]
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2  # from linux/in.h; Python names them only from 3.13 on


# -- a healthy testbed


def test_ssh_answers_with_the_hosts_own_name_and_home(two_hosts: Testbed) -> None:
    for host in two_hosts.hosts:
        assert ssh(two_hosts, host, "hostname; echo $HOME").split() == [host.name, "/root"]
        assert host.answers("fast")


def test_hosts_reach_each_other_by_name(two_hosts: Testbed) -> None:
    first, second = two_hosts.hosts
    words = ["ssh", "-o", "BatchMode=yes"]
    assert first.run([*words, "h2", "hostname"]).stdout.strip() == second.name
    assert first.run([*words, "h2-fast", "hostname"]).stdout.strip() == second.name


def test_only_the_share_is_shared(two_hosts: Testbed) -> None:
    first, second = two_hosts.hosts
    seen = f"{two_hosts.share}/note"
    for path in ("/tmp/note", "/root/note", "/etc/note", "/dev/shm/note", "/run/note", seen):
        first.run(f"echo one > {path}")
    found = second.run("cat /tmp/note /root/note /etc/note /dev/shm/note /run/note", check=False)
    assert found.stdout == ""
    assert second.run(["cat", seen]).stdout == Path(seen).read_text() == "one\n"
    assert not Path("/etc/note").exists()


def send_whole(testbed: Testbed, address: str, size: int) -> None:
    """Send one unfragmented packet to a closed port; that it arrives shows as a refusal."""
    with testbed.inside(), closing(socket.socket(type=socket.SOCK_DGRAM)) as connection:
        connection.settimeout(5)
        connection.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        connection.connect((address, 9))
        connection.send(b"x" * size)
        connection.recv(1)


def test_the_networks_have_their_packet_sizes(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    with pytest.raises(ConnectionRefusedError):
        send_whole(two_hosts, host.fast, 8900)
    with pytest.raises(OSError, match="Message too long"):
        send_whole(two_hosts, host.management, 8900)
    assert host.run(["cat", f"/sys/class/net/{host.fast_interface}/mtu"]).stdout == "9000\n"


def test_processes_and_marked_list_the_hosts_own(two_hosts: Testbed) -> None:
    first, second = two_hosts.hosts
    first.run(
        "ORCHESTRATE_SERVICE=lab/vllm sleep 4321 >/dev/null & ORCHESTRATE_SERVICE=x sleep 4322 &"
    )
    poll(lambda: "sleep 4321" in first.processes().values(), "the sleep is listed")
    assert list(first.marked("lab/").values()) == ["sleep 4321"]
    assert second.marked() == {}
    assert second.processes()[1].startswith("init")
    first.run(["pkill", "-f", "sleep 432"])
    poll(lambda: not first.marked(), "both sleeps are gone")


def test_run_reports_failure_and_time_limit(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    with pytest.raises(ProgramFailed, match="ended with 3: why"):
        host.run("echo why >&2; exit 3")
    with pytest.raises(subprocess.TimeoutExpired):
        host.run(["sleep", "4323"], timeout_s=0.2)
    wait_for_state(host, "sleep 4323", "gone")


def test_popen_and_its_command_end_together(two_hosts: Testbed) -> None:
    host = two_hosts.hosts[0]
    with started(host, ["sleep", "4324"]):
        wait_for_state(host, "sleep 4324", "S")
    wait_for_state(host, "sleep 4324", "gone")


def test_control_has_a_home_of_its_own(two_hosts: Testbed) -> None:
    result = two_hosts.control(["sh", "-c", "echo $HOME $MORE; cat"], env={"MORE": "x"}, input="y")
    assert result.stdout == f"{two_hosts.control_home} x\ny"
    with two_hosts.control_popen(["hostname", "-I"]) as process:
        assert "10.77.128.254" in process.communicate()[0]


# -- power


def test_a_crash_is_seen_at_once_and_power_comes_back(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    (host,) = testbed.hosts
    host.run("echo kept > /root/kept; echo lost > /tmp/lost")
    with greeted(testbed, host) as connection:
        host.kill_init()
        assert connection.recv(1) == b""
    with pytest.raises(RuntimeError, match="h1 is powered off"):
        host.run("true")
    host.power_on()
    assert ssh(testbed, host, "cat /root/kept; ls /tmp/lost || true") == "kept\n"


def test_power_loss_is_silence(hosts_up: HostsUp) -> None:
    testbed = hosts_up(2)
    host, peer = testbed.hosts
    with greeted(testbed, host) as connection:
        host.power_off()
        assert silent(connection)
    assert not host.answers()
    host.power_on()
    # Through the tables of before: a power cycle changes no hardware address.
    assert peer.run(["ssh", "-o", "BatchMode=yes", "h1", "hostname"]).stdout == "h1\n"


# -- nothing stays


def leftovers(testbed: Testbed) -> list[str]:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [line for line in mounts if str(testbed.state) in line or testbed.switch.name in line]
    found += [str(path) for path in (testbed.state, testbed.switch.namespace) if path.exists()]
    found += [str(group) for group in cgroups.remaining(testbed.state.name)]
    return found


def all_pid_namespaces() -> set[Path]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            found.add((process / "ns/pid").readlink())
    return found


def test_down_leaves_nothing(hosts_up: HostsUp) -> None:
    testbed = hosts_up(4)
    records = [host.folder / init.RECORD for host in testbed.hosts]
    pids = [int(record.read_text().split()[0]) for record in records]
    namespaces = {Path(f"/proc/{pid}/ns/pid").readlink() for pid in pids}
    for host in testbed.hosts:
        host.run("setsid sleep 4325 >/dev/null 2>&1 &")
    station = testbed.control_popen(["sleep", "4326"])
    testbed.down()
    with station:
        assert station.wait(5) == -9
    # What is dead stays in the table until this machine's PID 1 has collected it.
    poll(lambda: not namespaces & all_pid_namespaces(), "the last process is gone")
    assert leftovers(testbed) == []
    testbed.down()  # a second time is no error


def test_up_removes_what_a_killed_run_left(hosts_up: HostsUp) -> None:
    testbed = hosts_up(2)
    old = [host.pid for host in testbed.hosts]
    with Testbed.up(1, state=testbed.state) as fresh:
        assert fresh.hosts[0].answers()
        assert fresh.hosts[0].pid not in old
        assert not testbed.hosts[1].pid
    assert leftovers(testbed) == []


def test_up_refuses_what_a_running_process_owns(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    init.remember(testbed.state / "owner", os.getppid())
    with pytest.raises(RuntimeError, match="in use by process"):
        Testbed.up(1, state=testbed.state)
    assert testbed.hosts[0].answers()


def test_down_ends_a_host_that_nobody_remembers(hosts_up: HostsUp) -> None:
    testbed = hosts_up(1)
    pid = testbed.hosts[0].pid
    (testbed.hosts[0].folder / init.RECORD).unlink()
    testbed.down()
    poll(lambda: not Path(f"/proc/{pid}").exists(), "the host is gone")
    assert leftovers(testbed) == []


def test_two_testbeds_at_once_do_not_meet(hosts_up: HostsUp) -> None:
    first, second = hosts_up(1), hosts_up(1)
    first.hosts[0].power_off()
    assert second.hosts[0].answers()
    assert not first.hosts[0].answers()
