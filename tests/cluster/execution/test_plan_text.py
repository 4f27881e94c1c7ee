"""A plan is text that a person can review: nothing hidden, nothing too long, nothing twice."""

from pathlib import Path

import pytest

from cluster.ray.plan import plan_start
from cluster.transport.command import Command
from tests.support.factory import config_of, entry, fresh
from tests.support.folders import ROOT
from tests.support.plan_text import as_read, as_sent

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


def test_every_variable_and_every_word_that_is_sent_is_shown() -> None:
    plan = plan_start(CONFIG, fresh(CONFIG), "token")
    assert list(as_read(plan).values()) == as_sent(plan)
    assert "top-secret" not in str(plan)


def test_a_default_that_one_host_changes_is_shown_on_every_host() -> None:
    config = config_of(entry(1), entry(2, env={"RAY_DEDUP_LOGS": "1"}))
    text = str(plan_start(config, fresh(config), "token"))
    block = text.partition("start Ray:\n")[0]
    assert "RAY_DEDUP_LOGS" not in block
    assert "SPT_NOENV=1" in block
    head, _, worker = text.partition("h2: start ray-worker")
    assert "      RAY_DEDUP_LOGS=0 \\\n" in head
    assert "      RAY_DEDUP_LOGS=1 \\\n" in worker


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
