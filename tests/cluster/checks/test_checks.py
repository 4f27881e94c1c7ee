"""What the checks of clocks, GPUs, versions and the cache say."""

from typing import Any

from cluster.checks.cache import cache_findings, shared
from cluster.checks.clock import clock_findings
from cluster.checks.gpus import gpu_findings
from cluster.checks.known_bad import known_bad
from cluster.checks.software import known_bad_findings, version_findings
from cluster.facts.hosts import HostFacts
from tests.support.factory import (
    GIB,
    VERSIONS,
    config_of,
    eight_gpus,
    entry,
    gb10,
    gpu,
    host_facts,
    service,
    spark,
    survey,
)
from tests.support.findings import CONFIG, of, said

HEAD, SECOND = CONFIG.node[:2]


def clocked(number: int, time: float, *, asked: float = 100, answered: float = 100.2) -> HostFacts:
    return host_facts(CONFIG.node[number - 1], time=time, asked=asked, answered=answered)


def test_clocks() -> None:
    found = of(clock_findings, clocked(1, 100.11), clocked(2, 102.5), clocked(3, 100.1))
    assert found == [
        ("pass", "h1", "the others are compared with it"),
        ("warning", "h2", "the clock is 2.2 s ahead of h1's"),
        ("pass", "h3", "no more than 0.2 s from h1's"),
    ]
    found = of(clock_findings, clocked(1, 100.1), clocked(2, 99.0), clocked(3, 500.0))
    assert found[1:] == [
        ("pass", "h2", "no more than 1.3 s from h1's"),
        ("failure", "h3", "the clock is 399.7 s ahead of h1's"),
    ]
    assert of(clock_findings, clocked(1, 100.1), host_facts(SECOND)) == []


def test_a_slow_connection_is_no_wrong_clock() -> None:
    """The host may have read its clock at any moment of the nine seconds."""
    slow = clocked(2, 100.5, answered=109)
    assert {state for state, _, _ in of(clock_findings, clocked(1, 100.1), slow)} == {"pass"}
    late = clocked(2, 120, answered=109)
    assert of(clock_findings, clocked(1, 100.1), late)[1][2] == (
        "the clock is 10.9 s ahead of h1's"
    )


def held(*users: tuple[str, int | None, str | None], **changes: Any) -> HostFacts:
    """Eight GPUs and their users, each as (GPU, GiB, mark)."""
    entries = [
        {"gpu": gpu, "pid": 7, "name": "python", "memory": size and size * GIB, "mark": mark}
        for gpu, size, mark in users
    ]
    gpus = tuple(gpu(index, uuid=f"GPU-{index}") for index in range(8))
    return host_facts(HEAD, gpus=gpus, survey=survey(gpu_users=entries), **changes)


def test_gpus_and_who_holds_them() -> None:
    assert of(gpu_findings, held()) == [("pass", "h1", "8 NVIDIA H200")]
    assert of(gpu_findings, held(("GPU-0", 90, "test/h1/vllm-x")))[1:] == []
    assert of(
        gpu_findings,
        held(("GPU-3", 90, None), ("GPU-4", 1, None), ("GPU-5", None, "other/h1/vllm-y")),
    )[1:] == [
        ("failure", "h1", "GPU 3: pid 7 (python) holds 90.0 GiB of its memory"),
        ("warning", "h1", "GPU 4: pid 7 (python) holds 1.0 GiB of its memory"),
        (
            "warning",
            "h1",
            "GPU 5: pid 7 (python, of other/h1/vllm-y) holds an unknown part of its memory",
        ),
    ]


def test_memory_of_a_gpu_that_nobody_admits_to_hold() -> None:
    taken = (gpu(0, memory_free=20 * GIB), gpu(1))
    what = "GPU 0: 120.0 GiB are taken, and nvidia-smi does not show by whom"
    assert of(gpu_findings, host_facts(HEAD, gpus=taken))[1:] == [("failure", "h1", what)]
    ours = host_facts(HEAD, gpus=taken, services=(service("vllm-x"),))
    assert of(gpu_findings, ours)[1:] == []


def test_drivers_and_the_inventory() -> None:
    absent = {"gpus": (), "driver_problem": "nvidia-smi is not installed"}
    assert of(gpu_findings, host_facts(HEAD, **absent)) == [
        ("failure", "h1", "nvidia-smi is not installed")
    ]
    told = config_of(entry(1, gpus=1), entry(2, gpus=4)).node
    assert of(gpu_findings, host_facts(told[0], **absent)) == [("pass", "h1", "1 by nodes.toml")]
    hangs = {"gpus": (), "driver_problem": "nvidia-smi does not answer within 5 s"}
    assert of(gpu_findings, host_facts(told[0], **hangs))[0][0] == "failure"
    assert of(gpu_findings, eight_gpus(told[1])) == [
        ("warning", "h2", "nodes.toml says 4 GPUs, the driver counts 8")
    ]
    assert of(gpu_findings, host_facts(HEAD, gpus=()))[0][2] == "the driver counts no GPU"


def test_versions_outside_the_environment_count_too() -> None:
    one = host_facts(HEAD, survey=survey(nccl={"/usr/lib/libnccl.so.2.28.9": "2.28.9"}))
    two = host_facts(SECOND, gpus=(gpu(driver="590.48.01"),), survey=survey())
    assert [what for _, _, what in of(version_findings, one, two)] == [
        "driver is not the same everywhere: h1 580.95.05, h2 590.48.01",
        "system nccl is not the same everywhere: h1 2.28.9, h2 missing",
    ]


def test_versions_that_are_known_to_fail() -> None:
    """Where they fail: the entries are for GB10, and an H200 is not one."""
    versions = {**VERSIONS, "nccl": "2.28.9"}
    driver = gb10().model_copy(update={"driver": "590.48.01"})
    bad = of(known_bad_findings, spark(HEAD, "", versions=versions, gpus=(driver,)))
    assert [state for state, _, _ in bad] == ["warning", "warning"]
    assert "driver 590" in bad[0][2]
    assert "https://github.com/vllm-project/vllm/issues/42354" in bad[1][2]
    assert of(known_bad_findings, host_facts(HEAD, versions=versions)) == [
        ("pass", "h1", "no version that is known to fail")
    ]
    beside = survey(nccl={"/usr/lib/libnccl.so.2.29.7": "2.29.7"})
    assert of(known_bad_findings, host_facts(HEAD, versions=versions, survey=beside))[0] == (
        "warning",
        "h1",
        "two versions of NCCL: pip's 2.28.9 and /usr/lib/libnccl.so.2.29.7",
    )


def test_every_known_bad_version_has_a_source() -> None:
    assert known_bad()
    assert all(bad.source.startswith("https://") for bad in known_bad())


def mounted(number: int, kind: str, source: str, **changes: Any) -> HostFacts:
    plain = host_facts(CONFIG.node[number - 1])
    cache = plain.cache.model_copy(update={"type": kind, "source": source, **changes})
    return plain.model_copy(update={"cache": cache})


def test_a_cache_on_its_own() -> None:
    nfs = mounted(1, "nfs4", "box:/models", mount="/models", path="/models/hf")
    [(state, _, what)] = of(cache_findings, nfs)
    assert (state, what) == (
        "pass",
        "400.0 GiB free in /models/hf (nfs4 from box:/models on /models)",
    )
    states: dict[str, dict[str, Any]] = {
        "failure": {"hangs": True, "exists": False, "free": None},
        "warning": {"writable": False},
    }
    for state, changes in states.items():
        assert of(cache_findings, mounted(1, "nfs4", "box:/m", **changes))[0][0] == state
    assert of(cache_findings, mounted(1, "ext4", "/dev/sda", exists=False))[0][0] == "warning"
    assert of(cache_findings, mounted(1, "ext4", "/dev/sda", free=GIB))[0][0] == "warning"


def test_a_cache_that_all_hosts_should_share() -> None:
    nfs = [mounted(number, "nfs4", "box:/m") for number in (1, 2, 3)]
    lost = mounted(3, "ext4", "/dev/sda1")
    first, second, third = nfs
    assert said([shared(first, [second, third], [second, third])])[0][0] == "pass"
    [(state, where, what)] = said([shared(first, [second, lost], [second])])
    assert (state, where) == ("failure", "hosts")
    assert what == (
        "h3 do not see a file that h1 wrote into the cache: "
        "h1 nfs4 from box:/m, h2 nfs4 from box:/m, h3 ext4 from /dev/sda1"
    )
    assert said([shared(first, [lost], [])])[0][0] == "failure"
    own = [mounted(number, "ext4", "/dev/sda1") for number in (1, 2)]
    assert said([shared(own[0], own[1:], [])])[0] == (
        "pass",
        "hosts",
        "each host has a cache of its own; serve compares the files",
    )
    assert said([shared(own[0], [mounted(2, "tmpfs", "tmpfs")], [])])[0][0] == "warning"
