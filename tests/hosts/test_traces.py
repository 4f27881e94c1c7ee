"""What a command leaves on the hosts: a dry run nothing, a secret only where it must be."""

import pytest

from tests.hosts.lab import QUICK, Lab
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts

# Folders without their times: a file that is made and gone again is no trace.
PLACES = "/root/.orchestrate /root/.cache /root/.config /root/.ssh /tmp /run /var/tmp /dev/shm"
LISTING = f"""\
find {PLACES} -xdev -type d -printf '%p %m\\n' 2>&1
find {PLACES} -xdev ! -type d -printf '%p %m %s %T@\\n' 2>/dev/null; ls -A /root"""
KEY_FILE = "/root/.orchestrate/lab/api-key"
OPEN = QUICK + '\n[serve]\nhost = "0.0.0.0"\n'
TINY = ("serve", "--model", "tiny")
# Until it is killed: every command line that was ever seen, with all its words.
WATCH = "while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | sort -u; done > {}"


def traces(host: Host) -> set[str]:
    """Everything that a command could have changed on a host."""
    files = host.run(LISTING, check=False).stdout.splitlines()
    # sshd's own, for connections that end a moment later
    running = [line for line in host.processes().values() if not line.startswith("sshd")]
    return {*files, *running}


@pytest.mark.parametrize("words", [("cluster", "start"), TINY, ("teardown",), ("cluster", "stop")])
def test_a_dry_run_changes_nothing(lab: Lab, words: tuple[str, ...]) -> None:
    lab.use(tables=OPEN, nodes={"h1": {"gpus": 0}, "h2": {"gpus": 0}})
    before = [traces(host) for host in lab.hosts]
    cache = sorted(lab.share.glob("cache/**/*"))
    lab.ok(*words, "--dry-run")
    for host, known in zip(lab.hosts, before, strict=True):
        assert traces(host) ^ known == set()
    assert sorted(lab.share.glob("cache/**/*")) == cache


def test_a_dry_run_of_a_running_cluster_changes_nothing(ray: Lab) -> None:
    ray.ok(*TINY)
    before = [host.marked("") for host in ray.hosts]
    assert "nothing to do" in ray.ok("cluster", "start", "--dry-run")
    assert "nothing to do" in ray.ok(*TINY, "--dry-run")
    assert "h1: stop lab/h1/vllm-tiny" in ray.ok("teardown", "--dry-run")
    assert [host.marked("") for host in ray.hosts] == before


def test_the_api_key_stays_in_its_files(lab: Lab) -> None:
    """Made at first use, mode 0600; in no argument, log, dry run or report."""
    head = lab.hosts[0]
    lab.use(tables=OPEN, nodes={"h1": {"gpus": 0}, "h2": {"gpus": 0}})
    with head.popen(WATCH.format("/run/seen")) as watch:
        said = [lab.run(*TINY, "--dry-run"), lab.run(*TINY, "--json")]
        said += [lab.run("status", "--json"), lab.run("logs")]
        watch.kill()
    assert [done.returncode for done in said] == [0] * 4, said[1].stderr
    assert "VLLM_API_KEY=****" in said[0].stdout
    assert head.run(["stat", "-c", "%a", KEY_FILE]).stdout == "600\n"
    key = head.run(["cat", KEY_FILE]).stdout
    assert len(key) > 30
    assert KEY_FILE in said[1].stdout
    assert not any(key in done.stdout + done.stderr for done in said)
    assert "serve" in head.run("cat /run/seen").stdout.split()
    assert key not in head.run("cat /run/seen").stdout
    holders = head.run(["grep", "-rlF", key, "/root/.orchestrate", "/tmp"], check=False).stdout
    for file in holders.split():
        assert head.run(["stat", "-c", "%a", file]).stdout == "600\n", file
        assert not file.endswith(("log", "audit")), file


def test_the_key_is_asked_for_and_lasts(lab: Lab) -> None:
    head = lab.hosts[0]
    lab.use(tables=OPEN, nodes={"h1": {"gpus": 0}, "h2": {"gpus": 0}})
    lab.ok(*TINY)
    key = head.run(["cat", KEY_FILE]).stdout
    body = '{"model": "tiny", "prompt": "a", "max_tokens": 1}'
    ask = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8200/v1/completions -d "
    assert head.run(f"{ask} '{body}'").stdout == "401"
    assert head.run(f"{ask} '{body}' -H 'Authorization: Bearer {key}'").stdout == "200"
    lab.ok("teardown", "--yes")
    lab.ok(*TINY)
    assert head.run(["cat", KEY_FILE]).stdout == key
