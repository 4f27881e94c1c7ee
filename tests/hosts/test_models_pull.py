"""`models lock` and `models pull` on hosts: faults of the hub, of the host, and of the person."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.hosts.hub_desk import NAME, RECIPE, Desk
from tests.hosts.lab import OWN_CACHE, Lab, end_of, wait_for
from tests.hub.faults import Fault
from tests.hub.repository import Repository
from tests.hub.server import Hub
from tests.testbed.host import Host
from tests.testbed.network import CONTROL_NUMBER, NETWORKS

pytestmark = pytest.mark.hosts

WEIGHTS = bytes(range(256)) * 40_000
FILES = {"config.json": b"{}", "a.safetensors": WEIGHTS, "b.safetensors": b"b" + WEIGHTS}
TOKEN = "hf_" + "T0ken" * 5


@pytest.fixture
def desk(lab: Lab) -> Iterator[Desk]:
    """Hosts with caches of their own, and a hub that they reach over the management network."""
    with lab.testbed.inside():
        hub = Hub.up(NETWORKS["management"].address(CONTROL_NUMBER))
    with hub:
        hub.add(Repository(NAME).commit(FILES))
        lab.use(cluster={"cache": OWN_CACHE})
        lab.env["HF_ENDPOINT"] = hub.url
        lab.env["HF_HUB_DOWNLOAD_TIMEOUT"] = "2"
        desk = Desk(lab, hub)
        yield desk
        desk.lock_file.unlink(missing_ok=True)
        for host in lab.hosts:
            if host.pid:
                host.run(f"rm -rf {OWN_CACHE}")


def test_onto_the_head_and_who_lacks_it_is_said(desk: Desk) -> None:
    said = desk.pull()
    assert "is whole on h1" in said
    assert "not on     h2: orchestrate models sync awq-235b" in said
    assert desk.whole(1)
    assert json.loads(desk.pull("--host", "h2", "--json"))["without"] == ["h1"]
    assert desk.whole(2)
    assert f"models pull awq-235b: {NAME}@{desk.made.head} to h2" in audit(desk.lab)


def audit(lab: Lab) -> str:
    return lab.hosts[0].run("cat ~/.orchestrate/lab/audit").stdout


def test_once_onto_a_cache_that_all_share(desk: Desk) -> None:
    desk.lab.use(cluster={"cache": str(desk.lab.share / "shared")})
    desk.lab.env["HF_ENDPOINT"] = desk.hub.url
    (desk.lab.share / "shared").mkdir()
    assert "shared with h2" in desk.pull()
    sent = desk.hub.bytes_sent
    assert "nothing was missing" in desk.pull("--host", "h2")
    assert desk.hub.bytes_sent == sent == sum(map(len, FILES.values()))


def test_the_lock_decides_and_not_the_branch(desk: Desk) -> None:
    desk.lab.ok("models", "lock", RECIPE)
    first = desk.made.head
    desk.made.commit({**FILES, "config.json": b"[]"})
    desk.pull()
    assert desk.whole(1, first)
    said = desk.lab.run("models", "lock", RECIPE, "--check")
    assert said.returncode == 1
    assert f"{first[:12]} -> {desk.made.head[:12]}" in said.stdout
    assert first in desk.lock_file.read_text()


def test_killed_in_mid_file_it_goes_on(desk: Desk) -> None:
    """Neither end of the download outlives the command, and only the rest travels."""
    desk.lab.env["HF_HUB_DOWNLOAD_TIMEOUT"] = "60"
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE)
    hold.arrived()
    process.kill()
    end_of(process)
    desk.no_program_is_left()
    hold.released.set()
    desk.pull()
    assert desk.whole(1)
    ranges = [
        each.headers["range"] for each in desk.hub.asked if desk.etag("a.safetensors") in each.path
    ]
    assert [each.startswith("bytes=0-") for each in ranges] == [True, False]


def test_ctrl_c_keeps_what_has_arrived(desk: Desk) -> None:
    desk.lab.env["HF_HUB_DOWNLOAD_TIMEOUT"] = "60"
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE)
    hold.arrived()
    process.send_signal(signal.SIGINT)
    code, said = end_of(process)
    assert code == 130
    assert "what has arrived stays: the same command goes on from there" in said
    desk.no_program_is_left()
    assert desk.lab.lock_is_free()


def test_the_program_killed_on_the_host(desk: Desk) -> None:
    desk.lab.env["HF_HUB_DOWNLOAD_TIMEOUT"] = "60"
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE)
    hold.arrived()
    host = desk.lab.hosts[0]
    (pid,) = (pid for pid, line in host.processes().items() if line.endswith("host.download"))
    host.run(["kill", "-9", str(pid)])
    code, said = end_of(process)
    assert code == 1
    assert "h1: the connection broke while it downloaded" in said
    desk.pull()
    assert desk.whole(1)


def test_the_host_loses_its_power(desk: Desk) -> None:
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE, "--host", "h2")
    hold.arrived()
    desk.lab.hosts[1].power_off()
    code, said = end_of(process)
    assert code == 1
    assert "h2: " in said
    assert "what has arrived stays" in said
    desk.lab.hosts[1].power_on()
    desk.pull("--host", "h2")
    assert desk.whole(2)


def test_a_gated_model_and_where_the_token_is(desk: Desk) -> None:
    """In no command line and no environment of either end, in no log, no audit line, no output."""
    desk.hub.tokens.add(TOKEN)
    desk.made.gated = True
    said = desk.lab.fails("models", "pull", RECIPE)
    assert f"{NAME} is gated: the hub gives its files only to those who accepted its terms" in said
    assert f"hint: accept them at {desk.hub.url}/{NAME}, then set HF_TOKEN" in said
    desk.lab.env.update(HF_TOKEN=TOKEN, HF_HUB_DOWNLOAD_TIMEOUT="60")
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE)
    said = wait_for(process, "h1 downloads")
    hold.arrived()
    host = desk.lab.hosts[0]
    seen = host.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ", check=False).stdout
    assert "host.download" in seen
    assert TOKEN not in seen
    assert files_with_the_token(host) == ""
    hold.released.set()
    code, rest = end_of(process)
    assert code == 0
    assert files_with_the_token(host) == ""
    assert TOKEN not in said + rest + audit(desk.lab) + desk.lock_file.read_text()
    assert desk.whole(1)
    assert {each.authorization for each in desk.hub.asked if each.cdn} == {""}


def files_with_the_token(host: Host) -> str:
    places = "/tmp /run /var/log /root/.orchestrate /root/cache"
    return host.run(f"find {places} -xdev -type f -exec grep -lsF {TOKEN} {{}} +; true").stdout


def test_the_hub_asks_for_a_pause(desk: Desk) -> None:
    desk.hub.fault(Fault("/api/models/*", status=429, headers={"Retry-After": "1"}))
    desk.hub.fault(Fault("*/resolve/*", status=429, headers={"Retry-After": "1"}))
    said = desk.lab.run("models", "pull", RECIPE).stderr
    assert "the hub answers 429; asking again in 1 s" in said
    assert "too many requests (429); again in 1 s" in said
    assert desk.whole(1)


def test_a_disk_that_is_too_small(desk: Desk) -> None:
    host = desk.lab.hosts[0]
    host.small_tmpfs(OWN_CACHE, "8m")
    try:
        said = desk.lab.fails("models", "pull", RECIPE)
        assert f"h1: 0.02 GB are missing of {NAME}, and 0.01 GB are free in {OWN_CACHE}" in said
        assert desk.hub.bytes_sent == 0
    finally:
        host.free_mount(OWN_CACHE)


def test_a_cache_that_hangs(desk: Desk) -> None:
    host = desk.lab.hosts[0]
    host.hang_mount(OWN_CACHE)
    try:
        assert f"h1: the model cache {OWN_CACHE} hangs" in desk.lab.fails("models", "pull", RECIPE)
    finally:
        host.free_mount(OWN_CACHE)


def test_no_hub(desk: Desk) -> None:
    """Neither for the lock nor, with one, for the host; what is whole needs none."""
    desk.lab.ok("models", "lock", RECIPE)
    desk.pull("--host", "h2")
    desk.hub.down()
    assert f"the hub {desk.hub.url} cannot be reached: " in desk.lab.fails("models", "lock", RECIPE)
    said = desk.lab.fails("models", "pull", RECIPE)
    assert f"h1: the hub {desk.hub.url} gave no more of " in said
    assert "Connection refused" in said
    assert "nothing was missing" in desk.pull("--host", "h2")


def test_two_pulls_at_once(desk: Desk) -> None:
    hold = desk.held()
    process = desk.lab.started("models", "pull", RECIPE)
    hold.arrived()
    assert "is being changed by" in desk.lab.fails("models", "pull", RECIPE)
    hold.released.set()
    assert end_of(process)[0] == 0
