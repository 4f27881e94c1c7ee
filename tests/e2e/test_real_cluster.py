"""The four verbs with the real Ray and the real vLLM on two hosts: `pytest -m e2e`."""

from collections.abc import Callable
from contextlib import closing

import pytest

from tests.e2e import live, strangers, talks
from tests.testbed.driver import Driver, complete
from tests.testbed.host import Host
from tests.testbed.inventory import VENV, inventory
from tests.testbed.programs import poll
from tests.testbed.testbed import Testbed

pytestmark = pytest.mark.e2e
HostsUp = Callable[[int], Testbed]
PORT = 8200
BARE_PORT = 8300


def alone(host: Host, testbed: Testbed) -> list[int]:
    """The tokens from the same model in one bare `vllm serve` process."""
    words = [f"{VENV}/bin/vllm", "serve", f"{testbed.share}/orchestrate/tiny", "--enforce-eager"]
    words += ["--served-model-name", "tiny", "--port", str(BARE_PORT), "--dtype", "float32"]
    words += ["--max-model-len", "2048", "--host", "127.0.0.1"]
    settings = ["VLLM_CPU_KVCACHE_SPACE=1", "OMP_NUM_THREADS=1", "HF_HUB_OFFLINE=1"]
    with closing(open(testbed.state / "bare.log", "w")) as log:
        server = host.popen(["env", *settings, *words], stdout=log)
        try:
            poll(lambda: healthy(host, BARE_PORT), "the bare server", timeout_s=240)
            found: list[int] = complete(host, BARE_PORT)["token_ids"]
            return found
        finally:
            server.terminate()
            server.wait(60)


def healthy(host: Host, port: int) -> bool:
    check = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
    return host.run(["bash", "-c", check], check=False).returncode == 0


def no_marked_process(testbed: Testbed) -> bool:
    return not any(host.marked() for host in testbed.hosts if host.pid)


def test_the_four_verbs(hosts_up: HostsUp) -> None:
    """Start, serve over two hosts, status, teardown; the answer is that of a single process."""
    testbed = hosts_up(2)
    orchestrate, head = Driver(testbed), testbed.hosts[0]

    started = orchestrate("cluster", "start")
    assert started.returncode == 0, started.stderr
    assert "h2 has joined Ray (2 of 2)" in started.stderr

    again = orchestrate("cluster", "start")
    assert "was up already" in again.stdout
    assert "start Ray" not in again.stderr

    served = orchestrate("serve", "--model", "tiny")
    assert served.returncode == 0, served.stderr
    assert "tensor parallel 2 on h1, h2" in served.stdout
    assert "shared by all hosts" in served.stdout

    attached = orchestrate("serve", "--model", "tiny")
    assert attached.returncode == 0
    assert "vllm-tiny runs already" in attached.stderr

    screen = orchestrate.status()
    assert {host["ray"] for host in screen["hosts"]} == {"alive"}
    states = {(each["name"], each["host"]): each["state"] for each in screen["services"]}
    assert states == {
        ("ray-head", "h1"): "running",
        ("vllm-tiny", "h1"): "ready",
        ("ray-worker", "h2"): "running",
    }
    strangers.get_nothing(testbed)
    proved = orchestrate("test", "smoke", folder=testbed.state)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    split = complete(head, PORT)["token_ids"]

    refused = orchestrate("cluster", "stop")
    assert refused.returncode == 1
    assert "vllm-tiny still runs" in refused.stderr

    down = orchestrate("teardown", "--yes")
    assert down.returncode == 0, down.stderr
    assert no_marked_process(testbed)
    assert "nothing of cluster lab was running" in orchestrate("teardown", "--yes").stdout
    assert split == alone(head, testbed)


def test_a_worker_that_lost_power_is_all_that_is_started_again(hosts_up: HostsUp) -> None:
    testbed = hosts_up(2)
    orchestrate = Driver(testbed)
    assert orchestrate("cluster", "start").returncode == 0
    head_before = testbed.hosts[0].marked()
    testbed.hosts[1].power_off()

    seen = orchestrate("status")
    assert seen.returncode == 1
    assert "unreachable" in seen.stdout

    testbed.hosts[1].power_on()
    again = orchestrate("cluster", "start")
    assert again.returncode == 0, again.stderr
    assert "(started: h2)" in again.stdout
    assert head_before.keys() <= testbed.hosts[0].marked().keys()
    assert orchestrate("teardown", "--yes").returncode == 0
    assert no_marked_process(testbed)


def test_a_foreign_ray_survives(hosts_up: HostsUp) -> None:
    """Somebody else's Ray with all defaults on our head: reported, left alone, served beside."""
    testbed = hosts_up(2)
    orchestrate, head = Driver(testbed), testbed.hosts[0]
    words = f"{VENV}/bin/ray start --head --node-ip-address {head.fast} --num-cpus 1"
    head.run(f"{words} --disable-usage-stats", timeout_s=90)
    foreign = {pid: line for pid, line in head.processes().items() if "ray" in line}

    refused = orchestrate("cluster", "start")
    assert refused.returncode == 1
    assert "h1: port 6379" in refused.stderr
    assert "another Ray's GCS" in refused.stderr
    assert foreign.keys() <= head.processes().keys()

    tables = '[ssh]\nuser = "root"\n[ray]\nport = 6400\ndashboard_port = 8300\n'
    orchestrate.write_nodes(inventory(testbed, tables=tables))
    started = orchestrate("cluster", "start")
    assert started.returncode == 0, started.stderr
    served = orchestrate("serve", "--model", "tiny")
    assert served.returncode == 0, served.stderr
    assert orchestrate("teardown", "--yes").returncode == 0
    assert no_marked_process(testbed)
    assert foreign.keys() <= head.processes().keys()
    nodes = f"{VENV}/bin/python -c 'import ray; ray.init(address=\"{head.fast}:6379\"); print(1)'"
    assert head.run(nodes, timeout_s=60).returncode == 0


def test_single_host_needs_no_ray(hosts_up: HostsUp) -> None:
    """Open to the network, and so with an API key; what asks a model finds both by itself."""
    testbed = hosts_up(1)
    orchestrate = Driver(testbed, {"ORCHESTRATE_SERVE__HOST": "0.0.0.0"})
    served = orchestrate("serve", "--model", "tiny")
    assert served.returncode == 0, served.stderr
    assert "tensor parallel 1 on h1" in served.stdout
    live.prove(orchestrate)
    assert orchestrate("teardown", "--yes").returncode == 0
    assert no_marked_process(testbed)


def test_the_model_that_talks_answers_every_proof(hosts_up: HostsUp) -> None:
    """Through the parser that the flagship has; one that does not fit starts nothing."""
    testbed = hosts_up(1)
    orchestrate = Driver(testbed)
    served = orchestrate("serve", "--model", "tiny-talks")
    assert served.returncode == 0, served.stderr
    talks.prove(orchestrate)
    assert orchestrate("teardown", "--yes").returncode == 0
    assert no_marked_process(testbed)
    talks.refused(orchestrate)
    assert no_marked_process(testbed)
