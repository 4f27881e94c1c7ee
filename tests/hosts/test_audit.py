"""`audit bundle` of a model that runs over SSH, `audit verify` of it, and of two launches."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.lab import Lab
from tests.support.lab_lock import lock_lab_model
from tests.testbed.programs import run

pytestmark = pytest.mark.hosts

ALONE = {"h1": {"gpus": 0}, "h2": {"gpus": 0}}  # vLLM on h1, without Ray


@pytest.fixture(scope="module")
def served(furnished: Lab) -> Iterator[Lab]:
    """A locked model of which a manifest was made, served on h1; it stays as it is."""
    furnished.use(nodes=ALONE)
    lock_lab_model(furnished)
    furnished.ok("models", "manifest", "tiny")
    furnished.ok("serve", "--model", "tiny", "--set", "max_num_seqs=1")
    yield furnished
    furnished.reset()


def bundled(lab: Lab, name: str, *words: str) -> Path:
    path = lab.testbed.state / name
    path.unlink(missing_ok=True)
    lab.ok("audit", "bundle", "--output", str(path), *words)
    return path


def checked(lab: Lab, *words: str, code: int = 0) -> Any:
    done = lab.run("audit", "verify", "--json", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_bundle_of_what_runs_is_whole(served: Lab) -> None:
    path = bundled(served, "whole.tar.gz")
    report = checked(served, str(path))
    states = {each["check"]: each["state"] for each in report["findings"]}
    assert states == dict.fromkeys(("list", "manifest", "lock", "hashes"), "pass")
    assert report["model"] == "tiny"

    unpacked = path.parent / "unpacked"
    command = f"rm -rf {unpacked} && mkdir {unpacked} && tar xzf {path} -C {unpacked}"
    said = run(["sh", "-c", f"{command} && cd {unpacked}/* && sha256sum -c SHA256SUMS"]).stdout
    assert said.count(": OK") == report["files"] - 1
    [top] = unpacked.iterdir()
    server = json.loads((top / "server.json").read_text())
    assert [host["name"] for host in server["hosts"]] == ["h1"]
    assert server["hosts"][0]["kernel"]
    made_of = json.loads((top / "recipe.json").read_text())
    assert made_of["recipe"]["args"]["max_num_seqs"] == 1
    assert made_of["layers"][-1] == {
        "origin": "command line",
        "args": {"max_num_seqs": 1},
        "env": {},
    }
    nodes = json.loads((top / "nodes.json").read_text())["nodes"]
    assert [(each["name"], each["serves"]) for each in nodes] == [("h1", True), ("h2", False)]


def test_without_a_manifest_it_is_refused_unless_it_is_said(served: Lab) -> None:
    """A bundle without one is equal to nothing: not even to one of the same launch."""
    whole = bundled(served, "first.tar.gz")
    folder = served.testbed.state / "artifacts/manifests"
    folder.rename(folder.with_name("elsewhere"))
    said = served.fails("audit", "bundle", "--output", "/tmp/none.tar.gz", code=2)
    assert "no manifest of tiny" in said
    assert "hint: orchestrate models manifest tiny; or --without-manifest" in said
    bare = bundled(served, "bare.tar.gz", "--without-manifest")
    folder.with_name("elsewhere").rename(folder)
    assert "manifest" in [each["what"] for each in checked(served, str(bare))["missing"]]
    both = checked(served, str(whole), str(bare), code=1)
    differ = [each["name"] for each in both["differences"] if each["matters"]]
    assert differ == ["files of the model"]
    assert checked(served, str(whole), str(bundled(served, "again.tar.gz")))["equal"]


def test_a_secret_is_not_written(served: Lab) -> None:
    note = served.testbed.state / "note.txt"
    note.write_text("the token is sesame-open-now")
    path = served.testbed.state / "leak.tar.gz"
    words = ("audit", "bundle", "--add", str(note), "--output", str(path))
    done = served.run(*words, env={"HF_TOKEN": "sesame-open-now"})
    assert done.returncode == 1
    assert "note.txt: holds" in done.stderr
    assert "sesame" not in done.stderr
    assert not path.exists()
