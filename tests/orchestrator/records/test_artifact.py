"""What a result file says, and what it must not say."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.errors import OrchestrateError
from cluster.facts.hosts import Facts
from cluster.host.masking import argv_shown
from orchestrator.api.target import Target
from orchestrator.proofs.smoke import SmokeReport
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance
from tests.support.audit_facts import home_of
from tests.support.factory import config_of, host_facts, service

CONFIG = config_of()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ABOUT = {
    "recipe": "tiny",
    "model": "org/tiny",
    "revision": "main",
    "served_name": "tiny",
    "host": "127.0.0.1",
    "port": 8200,
    "split": "tensor parallel 2",
    "gpus": {"h1": 1, "h2": 1},
}
WORDS = ("/venv/bin/vllm", "serve", f"/cache/hub/snapshots/{COMMIT}", "--api-key", "sesame")
NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def target() -> Target:
    running = service("vllm-tiny", about=ABOUT, words=WORDS, env={"OMP_NUM_THREADS": "1"})
    head = host_facts(CONFIG.head, services=(running,))
    facts = Facts((head, host_facts(CONFIG.workers[0])), ())
    shown = "http://127.0.0.1:8200/v1 on h1"
    return Target(
        "http://127.0.0.1:1", shown, "tiny", "sesame", home_of(CONFIG, facts, head, running)
    )


def test_a_result_says_all_that_repeating_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    artifact = Artifact("test-smoke", provenance(target()), 7, NOON)
    path = artifact.write(SmokeReport("http://x", "tiny", ()))
    assert str(path) == "artifacts/test-smoke/20261121T120000Z-tiny/result.json"
    said = json.loads(path.read_text())
    assert said["seed"] == 7
    assert said["command_line"][0] == "orchestrate"
    assert said["result"]["passed"] is True
    server = said["server"]
    assert (server["recipe"], server["model"]) == ("tiny", "org/tiny")
    assert (server["revision"], server["commit"]) == ("main", COMMIT)
    assert server["versions"]["vllm"] == "0.32.0"
    assert server["environment"] == {"OMP_NUM_THREADS": "1"}
    assert [host["name"] for host in server["hosts"]] == ["h1", "h2"]
    assert server["hosts"][0]["driver"] == "580.95.05"
    assert "sesame" not in path.read_text()
    assert [each.name for each in path.parent.iterdir()] == ["result.json"]


def test_two_runs_in_one_second_have_a_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = provenance(target())
    folders = [Artifact("bench", known, None, NOON).folder.name for _ in range(3)]
    assert folders == [f"20261121T120000Z-tiny{end}" for end in ("", "-2", "-3")]


def test_no_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts").write_text("a file")
    with pytest.raises(OrchestrateError, match=r"artifacts/bench/.*: cannot be written: "):
        Artifact("bench", provenance(target()))


def test_secret_options_are_masked() -> None:
    words = ("--api-key", "a", "b", "--hf-token=c", "--port", "1", "--max-tokens", "2")
    masked = ("--api-key", "****", "****", "--hf-token=****", "--port", "1", "--max-tokens", "2")
    assert argv_shown(words) == masked
