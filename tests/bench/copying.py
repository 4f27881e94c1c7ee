"""A model from one host to others: with us along the chain, by hand with scp."""

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.recipes.recipe import load_recipe
from tests.bench.timing import Row, seconds
from tests.support.hub_cache import make_hub
from tests.testbed.driver import Driver
from tests.testbed.host import Host
from tests.testbed.inventory import inventory
from tests.testbed.programs import Completed
from tests.testbed.testbed import Testbed

RECIPE = load_recipe("awq-235b")
CACHE = "/root/cache"
SHARD = 256 << 20  # bytes; the model has two
RATE, BITS = "400mbit", 400e6
RECEIVERS, ROUNDS = 4, 3


def bench_sync(state: Path, must: Callable[[Completed], None]) -> Iterator[Row]:
    """Memory for a disk, so that the links are what limits."""
    one, all_at_once, bare, by_hand = [], [], [], []
    with Testbed.up(RECEIVERS + 1, state=state) as testbed:
        make_hub(testbed.share / "made", RECIPE.model, SHARD)
        for host in testbed.hosts:
            host.small_tmpfs(CACHE, "2g")
        testbed.hosts[0].run(f"cp -a {testbed.share}/made/. {CACHE}")
        pair, everyone = drivers(testbed)
        sync = ("models", "sync", RECIPE.name)
        for _ in range(ROUNDS):
            for host in testbed.hosts:
                host.shape("fast", RATE)
            empty(testbed)
            one.append(seconds(lambda: must(pair(*sync))))
            empty(testbed)
            all_at_once.append(seconds(lambda: must(everyone(*sync))))
            for host in testbed.hosts:
                host.unshape("fast")
            empty(testbed)
            bare.append(seconds(lambda: must(pair(*sync))))
            empty(testbed)
            by_hand.append(seconds(lambda: scp(*testbed.hosts[:2])))
    least = [2 * SHARD * 8 / BITS]
    yield Row(
        f"models sync, {RECEIVERS} hosts, against 1, {RATE}", all_at_once, one, "ratio <= 1.3"
    )
    yield Row(f"models sync, 1 host, against {RATE} wholly used", one, least, "ratio <= 1.18")
    yield Row("models sync, 1 host, no limit, against scp", bare, by_hand, "ratio <= 1")


def drivers(testbed: Testbed) -> tuple[Driver, Driver]:
    """The command line with two hosts in the inventory, and with all."""
    made = []
    for name, count in (("pair", 2), ("all", len(testbed.hosts))):
        text = inventory(testbed, cluster={"cache": CACHE})
        path = testbed.state / f"{name}.toml"
        path.write_text("[[node]]".join(text.split("[[node]]")[: count + 1]))
        made.append(Driver(testbed, {"ORCHESTRATE_NODES": str(path)}))
    return made[0], made[1]


def empty(testbed: Testbed) -> None:
    for host in testbed.hosts[1:]:
        host.run(f"rm -rf {CACHE}/hub")


def scp(source: Host, target: Host) -> None:
    """What a person types; the links would ship alone, so it follows them."""
    folder = f"{CACHE}/hub/models--{RECIPE.model.replace('/', '--')}"
    words = f"scp -q -r {folder}/blobs root@{target.fast}:{CACHE}/"
    source.run(words, timeout_s=300)
    target.run(f"rm -r {CACHE}/blobs")
