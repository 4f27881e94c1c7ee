"""What the checks of memory, limits, the logout, names and ports say."""

from typing import Any

import pytest

from cluster.checks.machine import limit_findings, shm_findings
from cluster.checks.memory import memory_findings
from cluster.checks.ports import worker_port_findings
from cluster.checks.session import dns_findings, linger_findings
from cluster.facts.hosts import Facts, HostFacts, Listener
from tests.support.factory import GIB, host_facts, interface, service, spark, survey
from tests.support.findings import CONFIG, of

HEAD = CONFIG.node[0]


def remembers(total: int, available: int, **changes: Any) -> dict[str, Any]:
    use = {"free": 1, "page_cache": 0, "shared": 0, "processes": 0, "swap_total": 0, "swap_free": 0}
    sizes = {key: value * GIB for key, value in {**use, **changes}.items() if key in use}
    more = {key: value for key, value in changes.items() if key not in use}
    memory = {"total": total * GIB, "available": available * GIB}
    return {"memory": memory, "survey": survey(memory={**use, **sizes}, **more)}


BIG = [{"pid": 9, "name": "java -jar x", "memory": 30 * GIB}, {"pid": 3, "name": "sh", "memory": 1}]


def test_memory_and_what_holds_it() -> None:
    assert of(memory_findings, host_facts(HEAD, **remembers(128, 60, page_cache=50))) == [
        ("pass", "h1", "60.0 of 128.0 GiB available; page cache 50.0 GiB")
    ]
    full = host_facts(HEAD, **remembers(128, 6, shared=40, biggest=BIG))
    assert of(memory_findings, full) == [
        (
            "failure",
            "h1",
            "6.0 of 128.0 GiB available; page cache 0.0 GiB; held by /dev/shm and other tmpfs "
            "40.0 GiB, pid 9 30.0 GiB (java -jar x)",
        )
    ]


def test_unified_memory_is_the_gpus_too() -> None:
    half = spark(HEAD, "10.1.0.1", **remembers(119, 60, biggest=BIG))
    [(state, _, what)] = of(memory_findings, half)
    assert state == "warning"
    assert what.startswith("60.0 of 119.0 GiB available (unified); page cache 0.0 GiB; held by")
    serving = spark(HEAD, "10.1.0.1", **remembers(119, 60), services=(service("vllm-x"),))
    assert of(memory_findings, serving)[0][0] == "pass"
    [cached] = memory_findings(
        CONFIG, Facts((spark(HEAD, "", **remembers(119, 110, page_cache=50)),), ())
    )
    assert (cached.state, "drop_caches" in cached.hint) == ("warning", True)


@pytest.mark.parametrize(
    ("free", "state", "what"),
    [
        (8, "pass", "8.00 of 64.00 GiB free in /dev/shm"),
        (
            1,
            "warning",
            "1.00 of 64.00 GiB free in /dev/shm: 0.25 for vLLM and NCCL and 1 for",
        ),
        (0.0625, "failure", "only 0.06 of 64.00 GiB free in /dev/shm, 0.25 for vLLM and NCCL"),
    ],
)
def test_shared_memory(free: float, state: str, what: str) -> None:
    host = host_facts(HEAD, disk_free={"/dev/shm": int(free * GIB)}, survey=survey())
    [found] = of(shm_findings, host)
    assert found[0] == state
    assert found[2].startswith(what)


def test_what_our_own_ray_holds_is_not_wanted_again() -> None:
    up = (service("ray-head"),)
    host = host_facts(HEAD, disk_free={"/dev/shm": GIB}, survey=survey(), services=up)
    assert of(shm_findings, host)[0][0] == "pass"


def test_limits() -> None:
    assert of(limit_findings, host_facts(HEAD, survey=survey(nofile=(1024, None)))) == [
        ("pass", "h1", "unlimited open files")
    ]
    for hard, state in ((1024, "failure"), (4096, "warning"), (8192, "pass")):
        host = host_facts(HEAD, survey=survey(nofile=(1024, hard)))
        assert of(limit_findings, host)[0][0] == state
    fast = (interface("ib0", HEAD.fast, rdma=("mlx5_0",)),)
    small = survey(memlock=(8 << 20, 8 << 20))
    pinned = of(limit_findings, host_facts(HEAD, interfaces=fast, survey=small))
    what = "at most 8 MiB may be locked in memory, and RDMA pins its buffers"
    assert pinned[1:] == [("warning", "h1", what)]
    assert of(limit_findings, host_facts(HEAD, survey=small))[1:] == []
    assert of(limit_findings, host_facts(HEAD, interfaces=fast, survey=small, uid=0))[1:] == []


@pytest.mark.parametrize(
    ("logind", "uid", "state", "what"),
    [
        ({"linger": False}, 1000, "failure", "RemoveIPC=yes"),
        ({"linger": False, "tracked": False}, 1000, "warning", "RemoveIPC=yes"),
        ({"linger": False}, 0, "pass", "a logout leaves"),
        ({"linger": False, "kill_processes": True}, 0, "failure", "KillUserProcesses=yes"),
        ({"linger": False, "remove_ipc": False}, 1000, "pass", "a logout leaves"),
        ({"linger": True, "kill_processes": True}, 1000, "pass", "ada lingers"),
        ({"linger": False, "systemd": False}, 1000, "pass", "no systemd"),
    ],
)
def test_the_logout(logind: dict[str, bool], uid: int, state: str, what: str) -> None:
    whole = {**survey().logind.model_dump(), **logind}
    [found] = of(linger_findings, host_facts(HEAD, uid=uid, survey=survey(logind=whole)))
    assert found[0] == state
    assert what in found[2]


def test_names_that_nobody_looks_up() -> None:
    good = survey(dns={"10.0.0.53": ""}, names={"h1": ""})
    assert of(dns_findings, host_facts(HEAD, survey=good))[0][0] == "pass"
    dead = survey(dns={"10.0.0.53": "no answer within 1.5 s"}, names={"h1": ""})
    assert of(dns_findings, host_facts(HEAD, survey=dead)) == [
        ("warning", "h1", "DNS server 10.0.0.53: no answer within 1.5 s")
    ]
    assert of(dns_findings, host_facts(HEAD, survey=survey())) == []


def test_ports_of_rays_workers() -> None:
    def listening(count: int, mark: str | None = None) -> HostFacts:
        plain: dict[str, Any] = {"address": "0.0.0.0", "uid": 5, "mark": mark}
        ports = tuple(Listener(port=20000 + each, **plain) for each in range(count))
        return host_facts(HEAD, ports=ports, survey=survey())

    assert of(worker_port_findings, listening(900, "test/h1/ray-head"))[0][0] == "pass"
    [(state, _, what)] = of(worker_port_findings, listening(4))
    assert state == "warning"
    assert what.startswith(
        "4 of the ports 20000 to 20999 for Ray's workers are taken: 20000 (uid 5"
    )
    assert of(worker_port_findings, listening(600))[0][0] == "failure"
