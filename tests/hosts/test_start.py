"""`cluster start` on hosts that are not as they should be, and on a cluster that is half up."""

import pytest

from tests.hosts.lab import GCS_PORT, QUICK, Lab, end_of, wait_for
from tests.hosts.stand_in import VERSIONS, make_venv
from tests.support.foreign import listener
from tests.testbed.programs import poll

pytestmark = pytest.mark.hosts


def test_a_second_start_starts_nothing(ray: Lab) -> None:
    before = [host.marked("") for host in ray.hosts]
    assert "Ray was up already on 2 hosts: h1, h2" in ray.ok("cluster", "start")
    assert [host.marked("") for host in ray.hosts] == before


def test_a_lost_worker_is_all_that_is_started(ray: Lab) -> None:
    first, second = ray.hosts
    before = first.marked("")
    second.run(["kill", "-9", *map(str, second.marked(""))])
    poll(lambda: not second.marked(""), "the worker is gone")
    assert ray.run("status").returncode == 1
    assert "(started: h2)" in ray.ok("cluster", "start")
    assert first.marked("") == before
    ray.ok("status")


def test_a_rebooted_worker_joins_again(ray: Lab) -> None:
    second = ray.hosts[1]
    second.kill_init()
    second.power_on()
    assert "(started: h2)" in ray.ok("cluster", "start")


@pytest.mark.parametrize(("key", "port"), [("ray.port", 6379), ("ray.dashboard_port", 8265)])
def test_a_port_of_the_head_that_somebody_else_has(lab: Lab, key: str, port: int) -> None:
    with listener(lab.hosts[0], port) as pid:
        said = lab.fails("cluster", "start")
        assert f"h1: port {port} on 0.0.0.0 is taken by pid {pid} (python3 -m http.server" in said
        assert f"choose another `{key}`" in said
    lab.nothing_left()


def test_a_stale_gcs_of_ours_is_replaced(ray: Lab) -> None:
    """The head's supervisor was killed: its Ray still holds the port, and nobody watches it."""
    head = ray.hosts[0]
    (supervisor,) = (p for p, line in head.marked("").items() if line.endswith("host.launch"))
    head.run(["kill", "-9", str(supervisor)])
    (stale,) = head.marked("")
    assert "ray-head" in ray.run("status").stdout
    assert "(started: h1, h2)" in ray.ok("cluster", "start")
    assert stale not in head.marked("")
    ray.ok("status")


def test_a_worker_that_cannot_reach_the_head(lab: Lab) -> None:
    head = lab.hosts[0]
    head.drop_port(GCS_PORT)
    try:
        told = lab.fails("cluster", "start")
        said = lab.fails("cluster", "start", "--force", "firewall")
    finally:
        head.allow_port(GCS_PORT)
    assert f"h2 -> h1: TCP port {GCS_PORT} (ray.port) of {head.fast}: dropped" in told
    assert "h2: ray-worker exited with code 1" in said
    assert f"cannot reach Ray's head {head.fast}:{GCS_PORT} from this host within 4 s" in said
    assert "hint: is a firewall between the hosts" in said
    lab.nothing_left()
    assert "cannot reach Ray's head" in lab.ok("logs", "ray-worker", "--host", "h2")
    assert "ray-worker" not in lab.ok("status")


def test_an_environment_that_one_host_lacks(lab: Lab) -> None:
    host = lab.hosts[1]
    host.hide(str(lab.venv))
    try:
        said = lab.fails("cluster", "start")
    finally:
        host.free_mount(str(lab.venv))
    assert f"h2: no virtual environment at {lab.venv}" in said
    assert "h1" not in said
    lab.nothing_left()


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ({**VERSIONS, "ray": "2.49.0"}, "ray is not the same everywhere: h1 2.60.0, h2 2.49.0"),
        ({"vllm": "0.32.0", "torch": "2.13.0"}, "h2: no Ray in "),
    ],
)
def test_other_versions_on_one_host(
    lab: Lab, versions: dict[str, str], message: str, request: pytest.FixtureRequest
) -> None:
    other = make_venv(lab.share / f"other-{request.node.name[-3:-1]}", versions)
    lab.use(nodes={"h2": {"venv": str(other)}})
    assert message in lab.fails("cluster", "start")
    lab.nothing_left()


def test_an_address_that_no_interface_has(lab: Lab) -> None:
    lab.use(nodes={"h2": {"fast_address": "10.77.128.99"}})
    said = lab.fails("cluster", "start")
    assert "h2: no interface has the fast address 10.77.128.99 (there are: " in said
    assert "fast0 10.77.128.2" in said


def test_every_problem_of_every_host_is_told_at_once(lab: Lab) -> None:
    lab.use(nodes={"h1": {"venv": "/nowhere"}, "h2": {"fast_address": "10.77.128.99"}})
    said = lab.fails("cluster", "start")
    assert "h1: no virtual environment at /nowhere" in said
    assert "h2: no interface has the fast address" in said


def test_a_full_disk(lab: Lab) -> None:
    host = lab.hosts[1]
    host.small_tmpfs("/tmp/", "64k")
    try:
        said = lab.fails("cluster", "start")
    finally:
        host.free_mount("/tmp/")
    assert "h2: only 0.00 GiB free on /tmp" in said
    assert "hint: make room there: du" in said


def test_no_room_for_our_own_files(lab: Lab) -> None:
    host = lab.hosts[1]
    host.small_tmpfs("/root/.orchestrate", "4k")
    try:
        said = lab.fails("cluster", "start")
        lab.nothing_left()
    finally:
        host.free_mount("/root/.orchestrate")
    assert "h2: " in said
    assert "No space left on device" in said


def test_ctrl_c_while_waiting_takes_the_start_back(lab: Lab) -> None:
    head = lab.hosts[0]
    head.drop_port(GCS_PORT)
    lab.use(tables=QUICK.replace("= 8", "= 60"))
    try:
        process = lab.started("cluster", "start", "--force", "firewall")
        wait_for(process, "h1 has joined Ray")
        process.send_signal(2)
        code, said = end_of(process)
    finally:
        head.allow_port(GCS_PORT)
    assert code == 130, said
    assert "interrupted" in said
    lab.nothing_left()
    assert lab.lock_is_free()
