"""`models sync` on four hosts: links and weights arrive, and every fault says what is wrong."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.host.chunks import CHUNK
from orchestrator.models.lockfile import ModelsLock, write_lock
from orchestrator.recipes.recipe import load_recipe
from tests.hosts.lab import Lab, end_of
from tests.support.hub_cache import COMMIT, locked, make_hub
from tests.testbed.host import Host
from tests.testbed.programs import poll
from tests.testbed.testbed import Testbed, default_state

pytestmark = pytest.mark.hosts

CACHE = "/root/cache"
RECIPE = load_recipe("awq-235b")
SYNC = ("models", "sync", RECIPE.name)
FOLDER = f"{CACHE}/hub/models--{RECIPE.model.replace('/', '--')}"
SHARD, SMALL = 24 << 20, 1000  # bytes of one shard, more than those of all small files
RATE = "100mbit"  # of the fast link: the model then takes 4 s
SHARDS = f"find {FOLDER}/.orchestrate-sync -name '*.part' -size +{SMALL}c 2>/dev/null"
WATCH = f"{SHARDS} | sed s/part$/chunks/ | xargs -r cat | tr -d '\\0' | wc -c"
FLIP = """
import sys
with open(sys.argv[1], "r+b") as file:
    byte = file.read(1)
    file.seek(0)
    file.write(bytes([byte[0] ^ 1]))
"""
PLAIN = """
mkdir -p {0}/orchestrate/tiny && cd {0}/orchestrate/tiny
echo '{{}}' > config.json && head -c 5000000 /dev/urandom > model.safetensors
"""
HASHES = f"cd {FOLDER}/snapshots/{COMMIT} && find . -follow -type f | sort | xargs sha256sum"
PROGRAM = "orchestrate-orchestrator.host.sync"


@pytest.fixture(scope="module")
def four() -> Iterator[Lab]:
    """Four hosts, of which h1 has a model in the hub's layout, and the model's lock entry."""
    with Testbed.up(4, state=Path(f"{default_state()}-four")) as testbed:
        lab = Lab(testbed)
        snapshot = make_hub(testbed.share / "made", RECIPE.model, SHARD)
        testbed.hosts[0].run(f"cp -a {testbed.share}/made {CACHE}")
        lock = ModelsLock(models=(locked(RECIPE.model, snapshot),))
        write_lock(testbed.share / "models.lock", lock)
        yield lab


@pytest.fixture
def lab(four: Lab) -> Iterator[Lab]:
    """The same, the other caches empty, the fast links slow."""
    four.use(cluster={"cache": CACHE})
    shutil.copy(four.share / "models.lock", four.testbed.state)
    for host in four.hosts:
        host.shape("fast", RATE)
    yield four
    for host in four.hosts:
        if not host.pid:
            host.power_on()
        host.unshape("fast")
        host.run(f"rm -rf ~/.orchestrate {CACHE}/orchestrate")
    for host in four.hosts[1:]:
        host.run(f"rm -rf {CACHE}")


def report(lab: Lab, *words: str) -> Any:
    return json.loads(lab.ok(*SYNC, "--json", *words))


def by_host(found: Any, key: str) -> list[Any]:
    return [host[key] for host in found["hosts"]]


def whole(*hosts: Host) -> bool:
    """Every file has the bytes of h1's, and nothing is left in the staging folder."""
    first = hosts[0].run(f"ls {FOLDER}").stdout
    return len({host.run(HASHES).stdout for host in hosts}) == 1 and first.split() == [
        "blobs",
        "refs",
        "snapshots",
    ]


def processes(host: Host) -> list[int]:
    return [pid for pid, line in host.processes().items() if PROGRAM in line]


def half_way(host: Host) -> int:
    """Wait until about half of the model's chunks are on a host; give their number."""
    poll(lambda: arrived(host) >= 5, f"{host.name} has half of the model", 40)
    return arrived(host)


def arrived(host: Host) -> int:
    return int(host.run(WATCH).stdout)


def test_links_and_weights_arrive_at_once_and_are_what_serve_looks_for(lab: Lab) -> None:
    found = report(lab)
    assert by_host(found, "state") == ["source", "complete", "complete", "complete"]
    assert found["verified"].startswith("models.lock")
    assert by_host(found, "received") == [0] + 3 * [found["bytes"]]
    assert by_host(found, "sent") == 3 * [found["bytes"]] + [0]
    assert whole(*lab.hosts)
    assert lab.hosts[3].run(f"cat {FOLDER}/refs/main").stdout == COMMIT
    again = report(lab)
    assert by_host(again, "state") == ["source", *3 * ["was complete"]]
    assert "models sync awq-235b from h1" in lab.hosts[0].run("cat ~/.orchestrate/lab/audit").stdout


def test_a_receiver_killed_in_the_middle_goes_on_where_it_was(lab: Lab) -> None:
    """The others get all; the next run sends the killed one what it lacks and no more."""
    running = lab.started(*SYNC)
    host = lab.hosts[2]
    half_way(host)
    host.run(["kill", "-9", *map(str, processes(host))])
    code, said = end_of(running)
    assert code == 1
    assert "h3: its program ended" in said
    assert "hint: mend it and run the same command again" in said
    assert whole(lab.hosts[0], lab.hosts[1], lab.hosts[3])
    had = arrived(host) * CHUNK
    found = report(lab)
    assert by_host(found, "state") == ["source", "was complete", "complete", "was complete"]
    lacked = 2 * SHARD - had
    assert lacked <= found["hosts"][2]["received"] < lacked + SMALL
    assert by_host(found, "sent")[0] == 0  # h2 is before h3, and has it
    assert whole(*lab.hosts)


def test_a_host_without_power_is_named_and_the_chain_closes_around_it(lab: Lab) -> None:
    running = lab.started(*SYNC)
    half_way(lab.hosts[2])
    lab.hosts[2].power_off()
    code, said = end_of(running)
    assert code == 1
    assert "error: h3: " in said
    assert "h2 is complete" in said
    assert "h4 is complete" in said
    assert whole(lab.hosts[0], lab.hosts[1], lab.hosts[3])


def test_ctrl_c_ends_the_programs_and_keeps_what_has_arrived(lab: Lab) -> None:
    running = lab.started(*SYNC)
    count = half_way(lab.hosts[3])
    running.send_signal(2)
    code, said = end_of(running)
    assert (code, "interrupted" in said) == (130, True)
    poll(lambda: not any(processes(host) for host in lab.hosts), "the programs end")
    head = lab.hosts[0]
    poll(lambda: "host.hold" not in str(head.processes()), "the model's lock is free")
    assert report(lab)["hosts"][3]["received"] < 2 * SHARD - count * CHUNK + SMALL
    assert whole(*lab.hosts)


def test_a_disk_that_is_too_small_is_named_before_anything_is_sent(lab: Lab) -> None:
    lab.hosts[1].small_tmpfs(CACHE, "30m")
    try:
        said = lab.fails(*SYNC)
    finally:
        lab.hosts[1].free_mount(CACHE)
    assert "h2: the disk of the model cache is too small: " in said
    assert "make room there" in said
    assert arrived(lab.hosts[2]) == 0


def test_a_damaged_file_of_the_source_is_named(lab: Lab) -> None:
    shard = f"{FOLDER}/snapshots/{COMMIT}/model-00002-of-00002.safetensors"
    flip = ["python3", "-c", FLIP, shard]
    lab.hosts[0].run(flip)
    try:
        said = lab.fails(*SYNC)
    finally:
        lab.hosts[0].run(flip)
    assert "h1: model-00002-of-00002.safetensors has sha256:" in said
    assert "choose another host with --from HOST" in said
    assert not lab.hosts[1].run(f"ls {FOLDER}/snapshots", check=False).stdout


def test_a_shared_cache_and_a_plain_folder(lab: Lab) -> None:
    """On one share there is nothing to do; without a lock entry the source's hashes count."""
    lab.hosts[0].run(PLAIN.format(CACHE))
    found = json.loads(lab.ok("models", "sync", "tiny", "--json"))
    assert found["verified"] == "the files of h1 itself; no models.lock entry"
    assert by_host(found, "state") == ["source", "complete", "complete", "complete"]
    sums = {h.run(f"cat {CACHE}/orchestrate/tiny/* | sha256sum").stdout for h in lab.hosts}
    assert len(sums) == 1
    lab.hosts[0].run(PLAIN.format(f"{lab.share}/cache"))
    lab.use(cluster={"cache": f"{lab.share}/cache"})
    assert "all hosts share one folder: there is nothing to copy" in lab.ok(
        "models", "sync", "tiny"
    )


def test_nobody_has_it(lab: Lab) -> None:
    said = lab.fails("models", "sync", "tiny")
    assert "h1: cannot be the source of tiny: no folder" in said
    assert "orchestrate serve --model tiny makes it" in said
