"""What the probe says of services."""

import json
from pathlib import Path

import pytest

from cluster.host.probe import our_services


def test_secrets_do_not_leave_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".orchestrate/only-in-this-test/h1/vllm-tiny"
    folder.mkdir(parents=True)
    env = {"VLLM_API_KEY": "sesame", "HF_TOKEN": "sesame", "OMP_NUM_THREADS": "1"}
    (folder / "spec.json").write_text(json.dumps({"env": env}))
    monkeypatch.setenv("HOME", str(tmp_path))
    [service] = our_services("only-in-this-test", "h1", {})
    assert service["env"] == {"VLLM_API_KEY": "****", "HF_TOKEN": "****", "OMP_NUM_THREADS": "1"}
