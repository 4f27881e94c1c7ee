"""What the probe says of services."""

import json
import shlex
from pathlib import Path

import pytest

from cluster.host import storage
from cluster.host.probe import gpus, our_services


def test_secrets_do_not_leave_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".orchestrate/only-in-this-test/h1/vllm-tiny"
    folder.mkdir(parents=True)
    env = {"VLLM_API_KEY": "sesame", "HF_TOKEN": "sesame", "OMP_NUM_THREADS": "1"}
    (folder / "spec.json").write_text(json.dumps({"env": env}))
    monkeypatch.setenv("HOME", str(tmp_path))
    [service] = our_services("only-in-this-test", "h1", {})
    assert service["env"] == {"VLLM_API_KEY": "****", "HF_TOKEN": "****", "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize(
    "said", ["Tesla?", "0, H200, 9", ",,,,,,", "x, H200, 1, 1, 9.0, 580, GPU-0"]
)
def test_what_no_driver_says_is_the_drivers_problem(said: str) -> None:
    asked = storage.Child(storage.run_words(["sh", "-c", f"echo {shlex.quote(said)}"]))
    found, problem = gpus(asked)
    assert found == []
    assert problem == f"nvidia-smi's answer makes no sense: {said}"


def test_a_memory_that_the_driver_does_not_tell_is_not_known() -> None:
    row = "0, NVIDIA GB10, [N/A], , 12.1, 580.95, GPU-0"
    asked = storage.Child(storage.run_words(["sh", "-c", f"echo {shlex.quote(row)}"]))
    ([gpu], problem) = gpus(asked)
    assert (gpu["memory_total"], gpu["memory_free"], problem) == (None, None, "")
