"""A plan is text that a person can review: nothing hidden, nothing too long, nothing twice."""

import re
from pathlib import Path

import pytest

from cluster.execution.plan import Start
from cluster.host.masking import is_secret
from cluster.ray.plan import plan_start
from cluster.transport.command import Command
from tests.support.factory import config_of, entry, fresh
from tests.support.folders import ROOT

PLANS = sorted(
    path
    for path in (ROOT / "tests/golden").glob("*.txt")
    if path.name.startswith(("start-", "stop", "serve-"))
)
CONFIG = config_of(entry(1), entry(2, env={"NCCL_DEBUG": "INFO", "MY_TOKEN": "top-secret"}))
LONGEST = 120


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_no_line_is_too_long(path: Path) -> None:
    assert not [line for line in path.read_text("utf-8").splitlines() if len(line) > LONGEST]


def test_every_variable_that_is_sent_is_shown_with_its_value() -> None:
    plan = plan_start(CONFIG, fresh(CONFIG), "token")
    text = str(plan)
    steps = [step for stage in plan.stages for step in stage.steps if isinstance(step, Start)]
    assert len(steps) == 2
    for step in steps:
        for name, value in step.service.command.env.items():
            shown = "****" if is_secret(name) else value
            assert re.search(rf"^ +{name}={re.escape(shown)}( \\)?$", text, re.MULTILINE), name
    assert "top-secret" not in text


def test_what_every_host_gets_is_shown_once() -> None:
    text = str(plan_start(CONFIG, fresh(CONFIG), "token"))
    assert text.count("RAY_DEDUP_LOGS=0") == 1
    assert "every ray-head and ray-worker gets:\n" in text


def test_a_command_can_be_pasted() -> None:
    command = Command(
        ("vllm", "serve", "/a b", "--port", "1", "--x", '{"y": -1}'), {"NCCL_A": "1 2"}
    )
    assert command.lines() == [
        "NCCL_A='1 2' \\",
        "vllm serve '/a b' \\",
        "--port 1 \\",
        "--x '{\"y\": -1}'",
    ]
