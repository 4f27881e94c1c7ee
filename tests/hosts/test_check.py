"""`cluster check` finds every fault at once; `start` and `serve` stop on what concerns them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.gpus import give_gpus, take_gpus
from tests.hosts.lab import GCS_PORT, Lab
from tests.hosts.stand_in import VERSIONS, make_venv
from tests.support.foreign import listener
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts

AUDIT = "cat ~/.orchestrate/lab/audit"
HUNG_CACHE = "/mnt/cache"


def findings(lab: Lab, **env: str) -> list[dict[str, Any]]:
    """All that is no pass; the exit code must agree with it."""
    done = lab.run("cluster", "check", "--json", env=env)
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    assert done.returncode == int(any(each["state"] == "failure" for each in found)), done.stderr
    assert all(each["hint"] for each in found if each["state"] != "pass")
    return [each for each in found if each["state"] != "pass"]


def the_one(lab: Lab, **env: str) -> tuple[str, str, str, str]:
    """(check, where, state, what) of the only one that is no pass."""
    (found,) = findings(lab, **env)
    return found["check"], found["where"], found["state"], found["what"]


@contextmanager
def changed(host: Host, path: str, text: str) -> Iterator[None]:
    """A file with another text; removed or put back at the end."""
    host.run(f"if [ -e {path} ]; then cp {path} /tmp/before; fi; mkdir -p $(dirname {path})")
    host.run(f"cat > {path}", input=text)
    try:
        yield
    finally:
        host.run(f"if [ -e /tmp/before ]; then mv /tmp/before {path}; else rm -f {path}; fi")


def test_sane_hosts_pass(lab: Lab) -> None:
    shown = lab.ok("cluster", "check")
    assert "failure " not in shown
    assert shown.splitlines()[0] == "h1"
    assert "0 failures, 0 warnings" in shown
    assert findings(lab) == []
    lab.ok("cluster", "start")
    assert findings(lab) == []
    assert lab.hosts[0].run(f"find {lab.share} -name '.orchestrate*'").stdout == ""


def test_a_host_that_is_off_is_a_row(lab: Lab) -> None:
    lab.hosts[1].power_off()
    shown = lab.run("cluster", "check")
    assert shown.returncode == 1
    assert re.search(r"^h2\n  failure +ssh +10.77.0.2:22 does not answer *$", shown.stdout, re.M)
    assert "hint: is the host up?" in shown.stdout
    assert "h1\n  pass" in shown.stdout


def test_host_keys(lab: Lab) -> None:
    strangers = lab.station("stranger")
    (Path(strangers["HOME"]) / ".ssh/known_hosts").write_text("")
    found = findings(lab, **strangers)
    assert [(each["check"], each["where"]) for each in found] == [("ssh", "h1"), ("ssh", "h2")]
    assert all(each["hint"] == "orchestrate cluster trust" for each in found)


def test_every_fault_at_once(lab: Lab) -> None:
    """The file system over /tmp hides the common share too."""
    first, second = lab.hosts
    second.small_tmpfs("/tmp/", "64k")
    try:
        with listener(first, GCS_PORT), listener(second, 20007):
            found = {(each["where"], each["check"]): each["what"] for each in findings(lab)}
    finally:
        second.free_mount("/tmp/")
    assert {name for where, name in found if where == "h2"} == {"venv", "cache", "disk", "port"}
    assert {name for where, name in found if where == "h1"} == {"port"}
    assert "only 0.00 GiB free on /tmp, 1 GiB needed" in found["h2", "disk"]
    assert found["h2", "port"].startswith("1 of the ports 20000 to 20999 for Ray's workers are")
    assert found["h1", "port"].startswith(f"port {GCS_PORT} on 0.0.0.0 is taken by pid ")


def test_other_versions_on_one_host(lab: Lab) -> None:
    other = make_venv(lab.share / "older", {**VERSIONS, "ray": "2.49.0"})
    lab.use(nodes={"h2": {"venv": str(other)}})
    assert the_one(lab)[3] == "ray is not the same everywhere: h1 2.60.0, h2 2.49.0"
    assert "--force versions" in lab.fails("cluster", "start")


def test_an_environment_without_vllm(lab: Lab) -> None:
    other = make_venv(lab.share / "no-vllm", {"ray": "2.60.0", "torch": "2.13.0"})
    lab.use(nodes={name: {"venv": str(other)} for name in ("h1", "h2")})
    assert [each["what"] for each in findings(lab)] == [f"no vLLM in {other}"] * 2
    lab.ok("cluster", "start")
    said = lab.fails("serve", "--model", "tiny")
    assert said.count("no vLLM in") == 2
    assert f"h2: no vLLM in {other}" in said


def test_little_shared_memory_stops_a_start_unless_forced(lab: Lab) -> None:
    host = lab.hosts[1]
    host.small_tmpfs("/dev/shm", "64m")
    try:
        check, where, state, what = the_one(lab)
        assert (check, where, state) == ("shm", "h2", "failure")
        assert "only 0.06 of 0.06 GiB free in /dev/shm" in what
        said = lab.fails("cluster", "start")
        assert "to go on all the same: --force shm" in said
        lab.nothing_left()
        assert "(started: h1, h2)" in lab.ok("cluster", "start", "--force", "shm")
    finally:
        host.free_mount("/dev/shm")
    audit = lab.hosts[0].run(AUDIT).stdout
    assert "[forced: shm of h2: only 0.06 of 0.06 GiB free in /dev/shm" in audit


def test_what_cannot_be_forced(lab: Lab) -> None:
    said = lab.fails("cluster", "start", "--force", "dsik", code=2)
    assert "no check is called `dsik`\n  hint: did you mean `disk`?" in said
    said = lab.fails("serve", "--model", "tiny", "--force", "ssh", code=2)
    assert "`ssh` cannot be forced: nothing can be started on a host" in said


def test_a_cache_that_hangs(lab: Lab) -> None:
    host = lab.hosts[1]
    lab.use(cluster={"cache": HUNG_CACHE})
    for each in lab.hosts:
        each.run(["mkdir", "-p", HUNG_CACHE])
    host.hang_mount(HUNG_CACHE)
    try:
        check, where, state, what = the_one(lab)
    finally:
        host.free_mount(HUNG_CACHE)
    assert (check, where, state) == ("cache", "h2", "failure")
    assert f"{HUNG_CACHE} (fuse.hung from hung on {HUNG_CACHE}) hangs: no answer within 3 s" in what


def test_caches_that_are_not_one(lab: Lab) -> None:
    host = lab.hosts[1]
    lab.use(cluster={"cache": "/root/own"})
    assert [each["what"] for each in findings(lab)] == ["no folder /root/own"] * 2
    for each in lab.hosts:
        each.run(["mkdir", "-p", "/root/own"])
    assert findings(lab) == []
    host.small_tmpfs("/root/own", "64m")
    try:
        found = {(each["where"], each["state"]): each["what"] for each in findings(lab)}
    finally:
        host.free_mount("/root/own")
    assert set(found) == {("h2", "warning"), ("hosts", "warning")}
    assert "h2 tmpfs from tmpfs" in found["hosts", "warning"]


def test_a_name_server_that_does_not_answer(lab: Lab) -> None:
    """/etc/hosts knows the host's own name all the same."""
    with changed(lab.hosts[1], "/etc/resolv.conf", "nameserver 10.77.0.77\n"):
        check, where, state, what = the_one(lab)
    assert (check, where, state) == ("dns", "h2", "warning")
    assert what == "DNS server 10.77.0.77: no answer within 1.5 s"


def test_few_open_files(lab: Lab) -> None:
    host = lab.hosts[0]
    host.run("prlimit --pid $(cat /run/sshd.pid) --nofile=2000:2000")
    try:
        check, where, state, what = the_one(lab)
    finally:
        host.stop_sshd()
        host.start_sshd()
    assert (check, where, state) == ("limits", "h1", "failure")
    assert what.startswith("at most 2000 open files")


def test_a_logout_that_ends_services(lab: Lab) -> None:
    host = lab.hosts[1]
    host.run(["mkdir", "-p", "/run/systemd/system"])
    setting = "[Login]\nKillUserProcesses=yes\n"
    try:
        with changed(host, "/etc/systemd/logind.conf.d/lab.conf", setting):
            check, where, state, what = the_one(lab)
    finally:
        host.run(["rm", "-r", "/run/systemd"])
    assert (check, where, state) == ("linger", "h2", "warning")
    assert what == "the logout of root ends our services: KillUserProcesses=yes and no linger"


def test_another_nccl_on_one_host(lab: Lab) -> None:
    host = lab.hosts[1]
    host.run("cd /usr/local/lib && touch libnccl.so.2.29.7 && ln -s libnccl.so.2.29.7 libnccl.so.2")
    try:
        _, where, _, what = the_one(lab)
    finally:
        host.run("rm /usr/local/lib/libnccl.so.2*")
    assert (where, what) == (
        "hosts",
        "system nccl is not the same everywhere: h1 missing, h2 2.29.7",
    )


def test_gpus_that_somebody_else_holds(ray: Lab) -> None:
    """The model waits for nobody: serve stops, and goes on when it is forced to."""
    for host in ray.hosts:
        give_gpus(host, 1)
    give_gpus(ray.hosts[1], 1, users=["GPU-0, 4711, /usr/bin/train, 90000"])
    try:
        check, where, state, what = the_one(ray)
        assert (check, where, state) == ("gpu", "h2", "failure")
        assert what == "GPU 0: pid 4711 (/usr/bin/train) holds 87.9 GiB of its memory"
        said = ray.fails("serve", "--model", "tiny")
        assert "h2: GPU 0: pid 4711 (/usr/bin/train)" in said
        assert "--force gpu" in said
        assert "vllm" not in str(ray.marked())
        ray.ok("serve", "--model", "tiny", "--force", "gpu")
    finally:
        for host in ray.hosts:
            take_gpus(host)
    assert "[forced: gpu of h2: GPU 0: pid 4711" in ray.hosts[0].run(AUDIT).stdout
