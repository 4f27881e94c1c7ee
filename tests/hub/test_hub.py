"""The hub of the tests serves the real huggingface_hub; else it would prove nothing."""

import os
import subprocess
import sys
from pathlib import Path

from tests.hub.faults import Fault
from tests.hub.repository import Repository
from tests.hub.server import Hub

WEIGHTS = bytes(range(256)) * 1000
FILES = {"config.json": b"{}", "sub/model.safetensors": WEIGHTS}
SNAPSHOT = """
from huggingface_hub import snapshot_download
print(snapshot_download("org/model"))
"""


def download(hub: Hub, home: Path, **env: str) -> Path:
    keys = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **env}
    words = [sys.executable, "-c", SNAPSHOT]
    done = subprocess.run(
        words, env={**os.environ, **keys}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_huggingface_hub_downloads_from_it(tmp_path: Path) -> None:
    """With the redirects of the hub, a drop in mid-file, and a token that stays off the CDN."""
    with Hub.up() as hub:
        made = hub.add(Repository("org/model", gated=True).commit(FILES))
        hub.tokens.add("hf_good")
        drop = hub.fault(Fault("/cdn/*", after=100_000, drop=True))
        folder = download(hub, tmp_path, HF_TOKEN="hf_good")
        assert folder.name == made.head
        for path, data in FILES.items():
            assert (folder / path).read_bytes() == data
        assert drop.times == 0
        assert {each.authorization for each in hub.asked if each.cdn} == {""}
        own = [each for each in hub.asked if "org/model" in each.path]
        assert {each.authorization for each in own} == {"Bearer hf_good"}
    assert download(hub, tmp_path, HF_HUB_OFFLINE="1") == folder


def test_a_repository_from_a_folder(tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    made = Repository.from_folder("org/model", tmp_path)
    assert made.commits[made.head].keys() == FILES.keys()
    assert made.commits[made.head]["sub/model.safetensors"].lfs
