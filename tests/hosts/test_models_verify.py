"""`models verify` and `models manifest` over SSH: copies on three hosts, each harmed in its way."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.models.lockfile import LockedFile
from tests.hosts.lab import HUNG_CACHE, OWN_CACHE, Lab, end_of, wait_for
from tests.support.lab_lock import lock_lab_model
from tests.testbed.host import Host
from tests.testbed.programs import poll
from tests.testbed.testbed import Testbed, default_state

pytestmark = pytest.mark.hosts

VERIFY = ("models", "verify", "tiny")
MODEL = f"{OWN_CACHE}/orchestrate/tiny"
SHARD = "model-00001-of-00002.safetensors"
LARGE = 200 << 30  # sparse: minutes to hash, nothing on the disk


@pytest.fixture(scope="module")
def three() -> Iterator[Lab]:
    with Testbed.up(3, state=Path(f"{default_state()}-three")) as testbed:
        yield Lab(testbed).furnish()


@pytest.fixture
def copies(three: Lab) -> Iterator[Lab]:
    """Equal copies on three disks of their own, and a lock of them."""
    for host in three.hosts:
        host.run(f"rm -rf {OWN_CACHE} && cp -r {three.share}/cache {OWN_CACHE}")
    three.use(cluster={"cache": OWN_CACHE})
    lock_lab_model(three)
    yield three
    three.reset()


def differences(lab: Lab, *words: str) -> dict[str, list[tuple[str, str]]]:
    """What --json says of each host."""
    report: dict[str, Any] = json.loads(lab.run(*VERIFY, "--json", *words).stdout)
    return {
        host["host"]: [(each["path"], each["kind"]) for each in host["differences"]]
        for host in report["hosts"]
    }


def flip(host: Host) -> None:
    host.run(f"printf W | dd of={MODEL}/{SHARD} bs=1 conv=notrunc")


def test_copies_that_are_as_locked(copies: Lab) -> None:
    done = copies.run(*VERIFY)
    assert done.returncode == 0
    for name in ("h1", "h2", "h3"):
        assert f"{name}: hashing 4 files" in done.stderr
        assert f"{name}: as locked; " in done.stderr
    assert "differ" not in done.stdout


def test_every_harm_is_named_for_its_host(copies: Lab) -> None:
    first, second, third = copies.hosts
    flip(first)
    second.run(f"cd {MODEL} && truncate -s 3 {SHARD} && rm config.json")
    third.run(f"cd {MODEL} && touch more && ln -sf gone {SHARD}")
    assert differences(copies) == {
        "h1": [(SHARD, "wrong")],
        "h2": [("config.json", "missing"), (SHARD, "truncated")],
        "h3": [(SHARD, "missing"), ("more", "extra")],
    }
    done = copies.run(*VERIFY)
    assert done.returncode == 1
    assert f"h2: {SHARD}: truncated: 3 of " in done.stdout
    assert f"h3: {SHARD}: missing: a link whose file is not there" in done.stdout
    hint = (
        "next: remove the wrong files, then copy it to one host again, then orchestrate models sync"
    )
    assert hint in done.stdout


def test_a_good_host_is_where_the_files_come_from(copies: Lab) -> None:
    flip(copies.hosts[0])
    done = copies.run(*VERIFY)
    assert done.returncode == 1
    assert f"h1: {SHARD}: wrong: sha256 " in done.stdout
    assert "next: orchestrate models sync tiny --from h2" in done.stdout
    assert differences(copies, "--host", "h2") == {"h2": []}


def test_a_quick_look_reads_no_content_and_says_so(copies: Lab) -> None:
    flip(copies.hosts[0])
    done = copies.run(*VERIFY, "--quick")
    assert done.returncode == 0
    assert "no content was read" in done.stdout
    assert "h1: 4 files without metadata: only their size" in done.stdout
    copies.hosts[1].run(f"truncate -s 3 {MODEL}/{SHARD}")
    assert differences(copies, "--quick")["h2"] == [(SHARD, "truncated")]


def test_a_host_that_is_down_and_one_whose_mount_hangs(copies: Lab) -> None:
    """They are rows; the third is verified all the same."""
    _, second, third = copies.hosts
    third.power_off()
    for host in (copies.hosts[0], second):
        host.run(f"mkdir -p {HUNG_CACHE} && cp -rT {OWN_CACHE} {HUNG_CACHE}")
    copies.use(cluster={"cache": HUNG_CACHE})
    second.hang_mount(HUNG_CACHE)
    try:
        done = copies.run(*VERIFY)
    finally:
        second.free_mount(HUNG_CACHE)
        third.power_on()
    assert done.returncode == 1
    assert "h1: as locked" in done.stderr
    assert f"h2: the model cache {HUNG_CACHE} hangs" in done.stderr
    assert "error: h3: " in done.stderr
    assert "next: orchestrate status" in done.stdout


def test_a_host_that_lacks_the_model(copies: Lab) -> None:
    copies.hosts[2].run(f"rm -r {MODEL}")
    done = copies.run(*VERIFY)
    assert done.returncode == 1
    assert f"h3: model tiny is not here: no folder {MODEL}" in done.stderr
    assert "next: orchestrate models sync tiny --from h1" in done.stdout


def test_without_a_lock_nothing_is_looked_at(copies: Lab) -> None:
    (copies.testbed.state / "models.lock").unlink()
    said = copies.fails(*VERIFY, code=2)
    assert "tiny at main is not locked" in said
    assert "hint: orchestrate models lock tiny" in said
    lock_lab_model(copies)
    assert "no host `h9`" in copies.fails(*VERIFY, "--host", "h9", code=2)


@pytest.fixture
def endless(copies: Lab) -> Lab:
    """A locked file that takes minutes to hash."""
    for host in copies.hosts:
        host.run(f"truncate -s {LARGE} {MODEL}/large")
    lock_lab_model(copies, large=LockedFile(path="large", size=LARGE, hash="sha256:" + "0" * 64))
    return copies


def hashing(host: Host) -> list[str]:
    return [line for line in host.processes().values() if "hash_files" in line]


def test_ctrl_c_ends_the_hosts_programs(endless: Lab) -> None:
    process = endless.started(*VERIFY)
    seen = wait_for(process, " s left")
    assert "h2: hashing 5 files" in seen
    assert all(map(hashing, endless.hosts))
    process.send_signal(signal.SIGINT)
    assert end_of(process)[0] == 130
    poll(lambda: not any(map(hashing, endless.hosts)), "nobody hashes")


def test_a_host_that_loses_power_while_it_hashes(endless: Lab) -> None:
    """The others come to their end."""
    for host in endless.hosts[:2]:
        host.run(f"rm {MODEL}/large")
    process = endless.started(*VERIFY)
    try:
        seen = wait_for(process, " s left")
        endless.hosts[2].power_off()
        code, err = end_of(process)
    finally:
        endless.hosts[2].power_on()
    assert code == 1
    assert "h3: the connection broke while its files were hashed" in err
    assert "h1: 1 file differs" in seen + err


def test_a_manifest_is_checked_by_others_and_finds_a_change(copies: Lab) -> None:
    report = json.loads(copies.ok("models", "manifest", "tiny", "--json"))
    file = report["file"]
    assert file.startswith(f"{copies.testbed.state}/artifacts/manifests/")
    checked = copies.hosts[1].run(
        f"cd {MODEL} && sha256sum -c", input=Path(report["sums"]).read_text()
    )
    assert checked.stdout.count(": OK") == 4
    copies.ok("models", "manifest", "tiny", "--check", file)
    copies.hosts[1].run(f"printf X | dd of={MODEL}/config.json bs=1 conv=notrunc")
    done = copies.run("models", "manifest", "tiny", "--check", file)
    assert done.returncode == 1
    assert "h2: config.json: wrong: sha256 " in done.stdout


def test_no_manifest_is_made_of_files_that_differ(copies: Lab) -> None:
    flip(copies.hosts[2])
    kept = copies.testbed.state / "none.json"
    done = copies.run("models", "manifest", "tiny", "--output", str(kept))
    assert done.returncode == 1
    assert "h3: " in done.stdout
    assert not kept.exists()
