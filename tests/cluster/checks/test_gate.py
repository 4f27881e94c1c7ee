"""Everything that can be known before anything is started, all at once."""

import ast
from collections.abc import Iterator

import pytest

from cluster.check import check_cluster
from cluster.checks.gate import audit_note, enforce, known_names, start_findings
from cluster.checks.table import CHECKS, Check, reasons_against_force
from cluster.errors import PreflightError, Unreachable, UsageError
from cluster.facts.hosts import Facts, Listener, Unreached
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.reporter import SILENT
from cluster.transport.protocol import Result
from tests.support.factory import GIB, VERSIONS, config_of, entry, fresh, gcs, host_facts, interface
from tests.support.folders import ROOT
from tests.support.reporter import Recorder
from tests.support.scripted import Script

CONFIG = config_of(entry(1), entry(2))
HEAD, WORKER = CONFIG.node


def problems(*hosts: object, unreached: tuple[Unreached, ...] = ()) -> list[str]:
    found = start_findings(CONFIG, Facts(hosts, unreached))  # type: ignore[arg-type]
    return [str(each.problem) for each in found if each.state == "failure"]


def test_a_sane_cluster_has_none() -> None:
    assert {each.state for each in start_findings(CONFIG, fresh(CONFIG))} == {"pass"}


def test_every_problem_of_every_host() -> None:
    bare = host_facts(HEAD, versions={})
    full = host_facts(
        WORKER,
        versions={"python": "3.12.3"},
        interfaces=(interface("eth0", "10.9.0.2"),),
        disk_free={"/tmp": GIB // 4, "/dev/shm": 0, "/gone": None},
    )
    lost = Unreached(config_of(entry(1), entry(3)).node[1], Unreachable("h3", "does not answer"))
    assert problems(bare, full, unreached=(lost,)) == [
        "h3: does not answer",
        "h1: no virtual environment at /home/ada/vllm-env\n"
        "  hint: install ray[default] and vllm there, or set `venv` in nodes.toml",
        "h2: no Ray in /home/ada/vllm-env\n"
        '  hint: /home/ada/vllm-env/bin/python -m pip install "ray[default]", '
        "or set `venv` in nodes.toml",
        "h2: no interface has the fast address 10.0.0.2 (there are: eth0 10.9.0.2)\n"
        "  hint: is the cable in and the address set? or correct `fast_address` in nodes.toml",
        "h2: only 0.25 GiB free on /tmp, 1 GiB needed\n"
        "  hint: make room there: du -xh --max-depth=2 /tmp | sort -h | tail",
    ]


def test_versions_must_be_the_same_but_for_pythons_last_number() -> None:
    other = {**VERSIONS, "vllm": "0.31.0", "python": "3.12.9", "nccl": "2.28.9"}
    assert problems(host_facts(HEAD), host_facts(WORKER, versions=other)) == [
        "hosts: vllm is not the same everywhere: h1 0.32.0, h2 0.31.0\n"
        "  hint: install one set of versions on all hosts",
        "hosts: nccl is not the same everywhere: h1 missing, h2 2.28.9\n"
        "  hint: install one set of versions on all hosts",
    ]
    newer = {**VERSIONS, "python": "3.13.0"}
    [problem] = problems(host_facts(HEAD), host_facts(WORKER, versions=newer))
    assert problem.startswith("hosts: python is not the same everywhere: h1 3.12, h2 3.13")


def test_a_port_of_somebody_else_is_left_alone() -> None:
    stale = Listener(port=6379, address="0.0.0.0", uid=0, pid=77, command="/opt/gcs_server --x")
    hidden = Listener(port=8265, address="127.0.0.1", uid=1001)
    head = host_facts(HEAD, ports=(stale, hidden))
    first, second = problems(head, host_facts(WORKER))
    assert "port 6379 on 0.0.0.0 is taken by pid 77 (/opt/gcs_server --x)" in first
    assert "another Ray's GCS" in first
    assert "choose another `ray.port` in nodes.toml" in first
    assert "port 8265 on 127.0.0.1 is taken by a process of uid 1001" in second


def test_a_port_of_our_own_is_no_problem() -> None:
    assert problems(host_facts(HEAD, ports=(gcs(CONFIG),)), host_facts(WORKER)) == []
    elsewhere = Listener(port=6379, address="10.9.9.9", uid=0, pid=1, command="x")
    assert problems(host_facts(HEAD, ports=(elsewhere,)), host_facts(WORKER)) == []


FULL = Finding("disk", "h2", "failure", "only 0.25 GiB free on /tmp", "make room there")
TAKEN = Finding("port", "h1", "failure", "port 6379 is taken")
SKEW = Finding("clock", "h2", "warning", "2 s ahead")


def test_what_is_forced_no_longer_stops() -> None:
    told: list[str] = []
    with pytest.raises(PreflightError) as caught:
        enforce([FULL, TAKEN, SKEW], {"disk"}, Recorder(told))
    assert str(caught.value) == (
        "h1: port 6379 is taken\n  hint: to go on all the same: --force port"
    )
    forced = enforce([FULL, TAKEN, SKEW], {"disk", "port", "memory"}, Recorder(told))
    assert forced == (FULL, TAKEN)
    assert told == [
        "forced past disk: h2: only 0.25 GiB free on /tmp",
        "forced past port: h1: port 6379 is taken",
        "warnings of clock: orchestrate cluster check shows them",
    ]
    assert audit_note(forced) == (
        " [forced: disk of h2: only 0.25 GiB free on /tmp; port of h1: port 6379 is taken]"
    )
    assert audit_note(()) == ""


def test_the_way_out_stands_with_the_hint_where_there_is_one() -> None:
    with pytest.raises(PreflightError) as caught:
        enforce([FULL, Finding("ssh", "h3", "failure", "no answer", "ping h3")], (), SILENT)
    assert str(caught.value) == (
        "h2: only 0.25 GiB free on /tmp\n"
        "  hint: make room there\n"
        "        to go on all the same: --force disk\n"
        "h3: no answer\n"
        "  hint: ping h3"
    )


def test_names_that_cannot_be_forced() -> None:
    assert known_names(["disk", "port"]) == {"disk", "port"}
    with pytest.raises(UsageError) as caught:
        known_names(["dsik", "ssh"])
    assert str(caught.value).startswith(
        "--force: no check is called `dsik`\n  hint: did you mean `disk`?\n"
        "--force: `ssh` cannot be forced: nothing can be started on a host that does not"
    )


def test_every_finding_has_a_known_name() -> None:
    """A name that --force does not know could never be forced."""
    made = set()
    for path in [*ROOT.glob("cluster/**/*.py"), *ROOT.glob("orchestrator/[!a]*/**/*.py")]:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding":
                made |= {each.value for each in call.args[:1] if isinstance(each, ast.Constant)}
    assert made == {each.name for each in CHECKS}
    assert reasons_against_force(CHECKS).keys() < made


def test_a_new_check_is_one_line_of_the_table() -> None:
    """`cluster check`, the gate of a start and --force see it at once."""

    def cold(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
        yield Finding("cold", "h1", "failure", "the room is cold", "heat it")

    table = (*CHECKS, Check("cold", "the room is warm", cold, start=cold))
    assert known_names(["cold"], table) == {"cold"}
    assert start_findings(CONFIG, fresh(CONFIG), table)[-1].check == "cold"
    probe = {"cluster.host.survey": lambda node, request: Result(127, "", "no")}
    report = check_cluster(Script(answers=probe), CONFIG, SILENT, table)
    assert "cold" in {found.check for found in report.findings}
