"""What a person reads, and what a program reads."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cluster.errors import Unreachable
from cluster.inventory.cost import HourlyCost
from cluster.start import StartReport
from cluster.stop import StopReport
from cluster.units import age
from orchestrator.cli.render import as_json
from orchestrator.machines.screen import started, stopped
from orchestrator.serving.health import Answer
from orchestrator.serving.ready import Ready
from orchestrator.serving.screen import served
from orchestrator.serving.serve import ServeReport
from orchestrator.serving.status import HostStatus, ServiceStatus, StatusReport
from orchestrator.serving.status_screen import status_screen
from tests.support.golden_text import assert_golden
from tests.support.screen import screen_text

GIB = 1 << 30
STATUS = StatusReport(
    "spark",
    (
        HostStatus(
            *("spark-1", "head", "10.1.0.1", "up"),
            ray="alive",
            gpus=1,
            gpu_name="NVIDIA GB10",
            memory_available=40 * GIB,
            memory_total=119 * GIB,
        ),
        HostStatus(
            *("spark-2", "worker", "10.1.0.2", "unreachable", "10.1.0.2:22 does not answer"),
            ray="unknown",
        ),
    ),
    (
        ServiceStatus(
            *("vllm-awq-235b", "spark-1", "ready", "tensor parallel 2 on spark-1, spark-2"),
            *("http://127.0.0.1:8235/v1", 7300.0, 0.214, 9),
        ),
        ServiceStatus("ray-head", "spark-1", "running", age_s=90.0, processes=12),
        ServiceStatus("vllm-tiny", "spark-1", "failed", "exited with code 1"),
    ),
    0.31,
    HourlyCost("USD", 8.0, 0.0),
)
READY = Ready(60.0, 61.5, 63.25, Answer(" Ada [bold]", 8, 0.4))


def serve_report(ready: Ready | None, key_file: str = "") -> ServeReport:
    return ServeReport(
        recipe="tiny",
        served_name="tiny",
        url="http://127.0.0.1:8200/v1",
        split="tensor parallel 2 on h1, h2",
        commit="",
        locked=False,
        cache="shared by all hosts",
        reached_from="h1",
        key_file=key_file,
        ready=ready,
        seconds=65.0,
    )


def test_status_on_one_screen() -> None:
    assert_golden("report-status", screen_text(status_screen(STATUS)))


def test_status_of_an_idle_cluster_says_what_to_type() -> None:
    idle = StatusReport("spark", STATUS.hosts[:1], (), 0.1)
    assert screen_text(status_screen(idle)).endswith(
        "nothing of this cluster runs: orchestrate cluster start"
    )


def test_serve_with_an_answer() -> None:
    assert_golden("report-serve", screen_text(served(serve_report(READY))))


def test_serve_names_the_commit_and_whether_it_is_pinned() -> None:
    running = replace(serve_report(READY), commit="c" * 40)
    assert f"  commit     {'c' * 40} (not pinned: orchestrate models lock tiny)" in (
        screen_text(served(running)).splitlines()
    )
    assert f"{'c' * 40} (models.lock)" in screen_text(served(replace(running, locked=True)))


def test_serve_detached_and_with_a_key() -> None:
    text = screen_text(served(serve_report(None, "/home/ada/.orchestrate/test/api-key")))
    assert_golden("report-serve-detached", text)


def test_start_and_stop() -> None:
    begun = StartReport(
        *("test", "10.0.0.1:6379", "http://127.0.0.1:8265 on h1", ("h1", "h2")), ("h2",), 12.34
    )
    already = StartReport(*("test", "10.0.0.1:6379", "http://x on h1", ("h1", "h2")), (), 0.5)
    ended = StopReport("test", {"test/h1/ray-head": 7, "test/h2/ray-worker": 5}, ("ray",), (), 3.21)
    nothing = StopReport("test", {}, (), (), 0.2)
    texts = [screen_text(each) for each in map(started, (begun, already))]
    texts += [screen_text(each) for each in map(stopped, (ended, nothing))]
    assert_golden("report-start-stop", "\n--\n".join(texts))


def keys(value: Any) -> Any:
    """The names in a JSON value, without what they hold."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_the_names_in_json_are_a_promise() -> None:
    found = {
        "status": keys(json.loads(as_json(STATUS))),
        "serve": keys(json.loads(as_json(serve_report(READY)))),
        "stop": keys(json.loads(as_json(StopReport("test", {"a/b/c": 1}, ("x",), (), 1.0)))),
    }
    assert_golden("report-json-keys", json.dumps(found, indent=1))


def test_json_can_hold_an_error() -> None:
    report = StopReport("test", {}, (), (Unreachable("h2", "gone"),), 1.0)
    assert "h2: gone" in json.loads(as_json(report))["unreached"][0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86399, "23h"), (1e6, "11d")],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert age(seconds) == text
