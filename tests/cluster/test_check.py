"""`cluster check` as a whole: all hosts asked at once, and what it shows."""

import json
from typing import Any

import pytest
from rich.console import Console

from cluster.check import CheckReport, check_cluster
from cluster.errors import Unreachable
from cluster.finding import Finding
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from orchestrator.cli.render import as_json
from orchestrator.machines.screen import checked
from tests.support.factory import config_of, entry, host_facts, survey
from tests.support.golden_text import assert_golden
from tests.support.scripted import END, Script

CONFIG = config_of(entry(1, address="spark-1.lan"), entry(2), entry(3))
SURVEY, GUARDED = "cluster.host.survey", "cluster.host.guarded"
WAY = {"source": "10.0.0.1", "ports": {}, "mtu": 9000}
WAYS = {"peers": {name: WAY for name in ("h1", "h2", "h3")}}
PATHS = {"cluster.host.path_check": [{"ports": [], "udp": 1}, WAYS, END]}


def script(*, gone: str = "", nonce: dict[str, Any] | None = None) -> Script:
    def facts(node: Node, request: Any) -> Any:
        if node.name == gone:
            raise Unreachable(node.name, "does not answer", "is the host up?")
        return host_facts(node, survey=survey()).model_dump(exclude={"node"})

    def guarded(node: Node, request: Any) -> Any:
        said = {"text": request["request"]["text"] and "another"}
        return nonce or {"hangs": False, "code": 0, "out": json.dumps(said)}

    return Script(answers={SURVEY: facts, GUARDED: guarded}, talks=PATHS)


def test_every_host_is_asked_once_and_about_the_names_of_the_inventory() -> None:
    made = script()
    report = check_cluster(made, CONFIG, SILENT)
    asked = [(host, request) for host, name, request in made.ran if name == SURVEY]
    assert sorted(host for host, _ in asked) == ["h1", "h2", "h3"]
    assert {tuple(request["names"]) for _, request in asked} == {("spark-1.lan",)}
    assert {tuple(request["worker_ports"]) for _, request in asked} == {(20000, 20999)}
    assert (report.hosts, report.failed) == (("h1", "h2", "h3"), False)


def test_a_host_that_cannot_be_reached_hides_nothing_of_the_others() -> None:
    report = check_cluster(script(gone="h2"), CONFIG, SILENT)
    failures = [each for each in report.findings if each.state == "failure"]
    assert failures == [Finding("ssh", "h2", "failure", "does not answer", "is the host up?")]
    assert {each.where for each in report.findings} >= {"h1", "h2", "h3", "hosts"}


def test_a_cache_that_breaks_meanwhile_is_a_finding() -> None:
    broken = {"hangs": True, "code": None, "out": ""}
    report = check_cluster(script(nonce=broken), CONFIG, SILENT)
    [failure] = [each for each in report.findings if each.state == "failure"]
    assert (failure.check, failure.where) == ("cache", "h1")
    assert "hangs: no answer within 3 s" in failure.what


@pytest.mark.parametrize("out", ["", "Infinity", "1e400", "a login banner"])
def test_an_answer_about_the_cache_that_is_none_is_a_finding(out: str) -> None:
    report = check_cluster(script(nonce={"hangs": False, "code": 0, "out": out}), CONFIG, SILENT)
    [failure] = [each for each in report.findings if each.state == "failure"]
    assert (failure.check, failure.where) == ("cache", "h1")
    assert "the cluster.host.nonce program gave no answer" in failure.what


REPORT = CheckReport(
    cluster="test",
    hosts=("h1", "h2"),
    findings=(
        Finding("ssh", "h1", "pass", "ada@h1"),
        Finding("ssh", "h2", "failure", "10.0.0.2:22 does not answer", "is the host up? ping it"),
        Finding("disk", "h1", "pass", "/tmp 10 GiB free"),
        Finding("port", "h1", "pass", "6379 is free"),
        Finding("port", "h1", "warning", "1 port of [20000] is taken", "choose another"),
        Finding("limits", "h1", "failure", "few open files", "raise them"),
        Finding("versions", "hosts", "pass", "ray 2.60.0"),
    ),
    seconds=0.42,
)


def test_what_is_shown() -> None:
    """Failures first, then warnings, then what passed and has neither."""
    console = Console(width=100, force_terminal=False)
    with console.capture() as shown:
        console.print(checked(REPORT))
    lines = [line.rstrip() for line in shown.get().splitlines()]
    assert_golden("report-check", "\n".join(lines))
    raw = json.loads(as_json(REPORT))
    assert raw["findings"][1]["hint"] == "is the host up? ping it"
