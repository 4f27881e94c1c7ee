"""What our programs write beside the model cache is its owner's alone, under any umask."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.transport.program import source_of
from orchestrator.host import media_files, vllm_arguments
from tests.support.modes import UMASKS, modes, too_open, umask_of


@pytest.mark.parametrize("umask", UMASKS)
def test_media_of_a_test_are_private(tmp_path: Path, umask: int) -> None:
    files = {"a.png": base64.b64encode(b"picture").decode()}
    with umask_of(umask):
        media_files.main({"folder": str(tmp_path), "name": "orchestrate-test-1", "files": files})
    made = tmp_path / "orchestrate-test-1"
    assert (made / "a.png").read_bytes() == b"picture"
    assert too_open(made, 0o700) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_a_folder_that_the_media_server_makes_is_private_with_all_above_it(
    tmp_path: Path, umask: int
) -> None:
    """The program as it runs on a host: a file of its own; it ends at a port that cannot be."""
    script = tmp_path / "media_server.py"
    script.write_text(source_of("orchestrator.host.media_server"))
    words = [sys.executable, str(script), "-1", str(tmp_path / "a" / "media")]
    with umask_of(umask):
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "port must be 0-65535" in ended.stderr
    assert modes(tmp_path / "a") == {".": "700", "media": "700"}


@pytest.mark.parametrize("umask", UMASKS)
def test_what_vllm_accepts_is_kept_where_nobody_else_can_change_it(
    tmp_path: Path, umask: int
) -> None:
    kept = tmp_path / "cache" / "orchestrate"
    with umask_of(0):
        os.makedirs(kept)  # as an older version made it
    with umask_of(umask):
        vllm_arguments.keep("{}", kept / "vllm-arguments-1.json")
    assert modes(kept) == {".": "700", "vllm-arguments-1.json": "600"}
    assert modes(tmp_path / "cache")["."] == "777"  # not ours to change
