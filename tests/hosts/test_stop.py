"""`teardown`, `status` and `logs` when hosts are lost, shared, or run other people's programs."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.hosts.lab import Lab
from tests.support.foreign import listener
from tests.testbed.host import SERVICE_MARK
from tests.testbed.programs import poll

pytestmark = pytest.mark.hosts

TINY = ("serve", "--model", "tiny")
SERVICES = "/root/.orchestrate"


@pytest.fixture
def served(ray: Lab) -> Lab:
    """Ray on both hosts and a model over both."""
    ray.ok(*TINY)
    return ray


def test_teardown_from_another_station(served: Lab) -> None:
    """Nothing is remembered where the cluster was started: the hosts know it all."""
    out = served.ok("teardown", "--yes", env=served.station("other"))
    for line in ("h1: vllm-tiny stopped", "h2: ray-worker stopped", "h1: ray-head stopped"):
        assert line in out
    served.nothing_left()
    for host in served.hosts:
        assert host.run("ls -d /tmp/ray-*", check=False).stdout == ""
    assert "nothing of cluster lab was running" in served.ok("teardown", "--yes")


def test_teardown_with_a_worker_lost(served: Lab) -> None:
    first, second = served.hosts
    second.power_off()
    done = served.run("teardown", "--yes")
    assert done.returncode == 1
    assert "h1: vllm-tiny stopped" in done.stdout
    assert f"h2: {second.management}:22" in done.stderr
    assert not first.marked("")


def test_teardown_with_the_head_lost(served: Lab) -> None:
    first, second = served.hosts
    first.power_off()
    done = served.run("teardown", "--yes")
    assert done.returncode == 1
    assert f"h1: {first.management}:22" in done.stderr
    assert not second.marked("")


def test_other_peoples_programs_survive(served: Lab) -> None:
    """One has the name of ours, three have marks that begin like ours."""
    head = served.hosts[0]
    name = "vllm serve --of-somebody-else ray start"
    marks = ("", "lab2/h1/vllm-tiny", "labour", "lab/h10/vllm-tiny")
    with ExitStack() as foreigners:
        for mark in marks:
            words = ["env", f"{SERVICE_MARK}={mark}", "bash", "-c", f"exec -a '{name}' sleep 600"]
            process = foreigners.enter_context(head.popen(words))
            foreigners.callback(process.kill)

        def alive() -> int:
            return sum(line.startswith(name) for line in head.processes().values())

        poll(lambda: alive() == len(marks), "they run")
        served.ok("teardown", "--yes")
        assert alive() == len(marks)


def test_a_service_that_ignores_term_is_killed(served: Lab) -> None:
    head = served.hosts[0]
    (server,) = (p for p, line in head.marked("").items() if "vllm serve" in line)
    head.run(["kill", "-STOP", str(server)])
    assert "were killed" in served.ok("teardown", "--yes")
    served.nothing_left()


def test_stop_is_refused_while_a_model_runs(served: Lab) -> None:
    before = served.marked()
    said = served.fails("cluster", "stop")
    assert "h1: vllm-tiny still runs\n  hint: orchestrate teardown" in said
    assert served.marked() == before


def test_status(served: Lab) -> None:
    """As JSON while all is well, as a table when a host is lost."""
    report = json.loads(served.ok("status", "--json"))
    assert [(h["name"], h["state"], h["ray"]) for h in report["hosts"]] == [
        ("h1", "up", "alive"),
        ("h2", "up", "alive"),
    ]
    assert {(s["name"], s["host"], s["state"]) for s in report["services"]} == {
        ("ray-head", "h1", "running"),
        ("vllm-tiny", "h1", "ready"),
        ("ray-worker", "h2", "running"),
    }
    second = served.hosts[1]
    second.power_off()
    shown = served.run("status")
    assert shown.returncode == 1
    (row,) = (line for line in shown.stdout.splitlines() if line.startswith("h2"))
    assert "unreachable" in row
    assert f"{second.management}:22" in row


def test_logs(served: Lab) -> None:
    assert "startup complete" in served.ok("logs")
    assert "Ray runtime started" in served.ok("logs", "ray-worker")
    assert "Ray runtime started" in served.ok("logs", "ray-head", "--host", "h1")
    assert served.ok("logs", "-n", "0") == ""
    assert "did you mean `vllm-tiny`?" in served.fails("logs", "vllm-tony", code=2)
    served.hosts[0].power_off()
    assert "Ray runtime started" in served.ok("logs", "ray-worker")


def test_logs_where_there_are_none(lab: Lab) -> None:
    assert "cluster lab has no services\n  hint: orchestrate cluster start" in lab.fails("logs")


# -- one home for all hosts


@pytest.fixture
def one_home(lab: Lab) -> Iterator[Lab]:
    home = lab.share / "home"
    home.mkdir(exist_ok=True)
    for host in lab.hosts:
        host.run(f"mkdir -p {SERVICES} && mount --bind {home} {SERVICES}")
    yield lab
    for host in lab.hosts:
        host.free_mount(SERVICES)


def test_hosts_with_one_home(one_home: Lab) -> None:
    """Each sees only its own services in the folders that all of them share."""
    one_home.ok("cluster", "start")
    one_home.ok(*TINY)
    before = one_home.marked()
    assert "Ray was up already" in one_home.ok("cluster", "start")
    report = json.loads(one_home.ok("status", "--json"))
    assert sorted(f"{s['name']} {s['host']}" for s in report["services"]) == [
        "ray-head h1",
        "ray-worker h2",
        "vllm-tiny h1",
    ]
    assert one_home.marked() == before
    one_home.ok("teardown", "--yes")
    one_home.nothing_left()


def test_a_foreign_ray_on_a_worker_survives(ray: Lab) -> None:
    """Not only on the head: what listens where a worker has no business is nobody's concern."""
    with listener(ray.hosts[1], 6379):
        ray.ok("status")
        ray.ok("teardown", "--yes")
    ray.nothing_left()
