"""What goes into a bundle, what must not, and what is refused."""

import dataclasses
import json
from pathlib import Path

import pytest

from cluster.errors import OrchestrateError, Unreachable, UsageError
from cluster.facts.hosts import Facts, Unreached
from cluster.inventory.config import ClusterConfig
from cluster.reporter import SILENT
from orchestrator.api.target import Target
from orchestrator.audit.archive import pack
from orchestrator.audit.attachments import read_attachments
from orchestrator.audit.bundle import BundleRequest, bundle
from orchestrator.audit.bundle_files import missing_facts
from orchestrator.audit.secret_search import known_secrets, leak_problems, require_no_secret
from orchestrator.audit.verify import verify_bundle
from orchestrator.models.lockfile import ModelsLock, write_lock
from orchestrator.records.provenance import provenance
from orchestrator.serving.made_of import RECIPE
from tests.support.audit_facts import (
    CONFIG,
    LOCKED,
    TOP,
    files,
    home,
    home_of,
    known,
    manifest,
    samples,
    server,
    target,
)
from tests.support.factory import config_of, entry
from tests.support.reporter import Recorder

KEY = "sesame-open-now"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterConfig:
    """A working directory with an inventory, a lock and a manifest."""
    monkeypatch.chdir(tmp_path)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "ORCHESTRATE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = CONFIG.model_copy(update={"source": str(tmp_path / "nodes.toml")})
    write_lock(tmp_path / "models.lock", ModelsLock(models=(LOCKED,)))
    keep("20261121T110000Z-tiny.json")
    return config


def keep(name: str, commit: str = LOCKED.commit) -> Path:
    path = Path("artifacts/manifests") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest(commit=commit)))
    return path


def test_the_same_facts_are_the_same_bytes() -> None:
    others = known().others
    turned = dict(reversed(list(others.items())))
    env = dict(reversed(list(server().environment.items())))
    again = files(others=turned, server=server(environment=env))
    assert pack(TOP, files()) == pack(TOP, again)


def test_a_bundle_is_written_and_verified(here: ClusterConfig) -> None:
    Path("s.jsonl").write_bytes(samples([1, 2]))
    Path("results/bench").mkdir(parents=True)
    Path("results/bench/result.json").write_text("{}")
    asked = BundleRequest(samples=(Path("s.jsonl"),), added=(Path("results/bench"),))
    done = bundle(target(here), asked, SILENT)
    assert done.passed
    check, contents = verify_bundle(Path(done.file))
    assert (check.file_sha256, check.list_sha256) == (done.file_sha256, done.list_sha256)
    assert contents
    assert contents.lock == LOCKED
    assert contents.made_of
    assert contents.made_of.recipe["env"]["MY_TOKEN"] == "****"
    assert [name.partition("/")[0] for name in contents.samples] == ["samples"]
    assert Path(done.file).match("artifacts/audit/*-tiny.tar.gz")
    assert b"hidden-value" not in pack("x", files())
    with pytest.raises(UsageError, match="exists already"):
        bundle(target(here), dataclasses.replace(asked, output=Path(done.file)), SILENT)


def test_the_newest_manifest_of_this_recipe_is_taken(here: ClusterConfig) -> None:
    keep("20261121T120000Z-not-tiny.json", "f" * 40)
    keep("20261121T100000Z-tiny.json", "f" * 40)
    told: list[str] = []
    bundle(target(here), BundleRequest(), Recorder(told))
    assert any("20261121T110000Z-tiny.json" in line for line in told)


def test_a_manifest_of_another_commit_is_refused(here: ClusterConfig) -> None:
    path = keep("20261121T120000Z-tiny.json", "f" * 40)
    with pytest.raises(OrchestrateError, match="it is for commit f"):
        bundle(target(here), BundleRequest(), SILENT)
    assert not Path("artifacts/audit").exists()
    path.unlink()
    keep("20261121T110000Z-tiny.json").unlink()
    with pytest.raises(UsageError, match=r"no manifest of tiny.*\n.*models manifest tiny"):
        bundle(target(here), BundleRequest(), SILENT)
    told: list[str] = []
    assert bundle(target(here), BundleRequest(without_manifest=True), Recorder(told)).passed
    assert any(line.startswith("WITHOUT a manifest") for line in told)


def test_an_address_alone_says_little_and_the_bundle_says_so(here: ClusterConfig) -> None:
    alone = Target("http://127.0.0.1:1", "http://127.0.0.1:1/v1", "tiny")
    with pytest.raises(UsageError, match="a bare address has no manifest"):
        bundle(alone, BundleRequest(), SILENT)
    done = bundle(alone, BundleRequest(without_manifest=True), SILENT)
    lacks = {each.what for each in done.missing}
    assert {"manifest", "lock", "recipe", "nodes", "arguments", "driver", "kernel"} <= lacks


def test_facts_that_could_not_be_got() -> None:
    there = home()
    labels = {key: value for key, value in there.service.labels.items() if key != RECIPE}
    changes = {"gpus": (), "driver_problem": "nvidia-smi hangs", "versions": {}}
    bare = there.facts.hosts[0].model_copy(update=changes)
    lost = Unreached(CONFIG.workers[0], Unreachable("h2", "no route"))
    running = there.service.model_copy(update={"labels": labels})
    old = home_of(CONFIG, Facts((bare,), (lost,)), bare, running)
    seen = provenance(dataclasses.replace(target(), home=old))
    found = {each.what: each.why for each in missing_facts(known(home=old, server=seen))}
    assert found == {
        "recipe": "an earlier version launched the model and did not record it",
        "host h2": "no route",
        "versions of vllm, torch, python on h1": "not in its virtual environment",
        "GPUs and driver of h1": "nvidia-smi hangs",
        "values of HF_TOKEN": "they are secret",
    }


# -- secrets


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("samples/s.jsonl", b"x" + KEY.encode() + b"x"),
        (f"added/{KEY}/f", b""),
        ("added/f", b"curl -H 'Bearer hf_" + b"aB3" * 12 + b"'"),
    ],
)
def test_a_secret_is_found_wherever_it_is_and_not_shown(name: str, content: bytes) -> None:
    with pytest.raises(OrchestrateError, match="nothing was written") as error:
        require_no_secret({name: content}, {"the key": KEY})
    assert KEY not in str(error.value).replace(name, "")


def test_a_secret_as_json_writes_it() -> None:
    odd = 'se"same\\now'
    assert list(leak_problems({"f": json.dumps({"a": odd}).encode()}, {"k": odd}))


def test_where_secrets_are_known_from(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(entry(1, env={"MY_TOKEN": "node-secret-1"}), entry(2))
    there = home()
    words = (*there.service.words, "--api-key", "argument-secret", "--hf-token=equal-secret")
    running = there.service.model_copy(update={"words": words})
    asked = Target("u", "u", "tiny", KEY, dataclasses.replace(there, service=running))
    monkeypatch.setenv("HF_TOKEN", "saved-for-the-hub")
    found = known_secrets(asked, config, {"HF_TOKEN": "from-environment", "A_KEY": "short"})
    assert set(found.values()) == {
        *(KEY, "node-secret-1", "argument-secret", "equal-secret"),
        *("from-environment", "saved-for-the-hub"),
    }


def test_no_argument_hides_another() -> None:
    """Two are masked alike, one ends in `=` as base64 does, one has two addresses."""
    words = ("--api-key", "first-of-two", "--hf-token", "c2Vjb25kLW9mLXR3bw==", "--token=b25l-x==")
    both = "http://a:password-1@h,http://b:password-2@h"
    there = home()
    running = there.service.model_copy(update={"words": (*words, both)})
    asked = Target("u", "u", "tiny", "", dataclasses.replace(there, service=running))
    found = set(known_secrets(asked, None, {"PROXIES": both}).values())
    assert {"first-of-two", "c2Vjb25kLW9mLXR3bw==", "b25l-x=="} < found
    assert {"password-1", "password-2"} < found
    only = set(known_secrets(Target("u", "u", "tiny", ""), None, {"PROXIES": both}).values())
    assert {"password-1", "password-2"} <= only


def test_a_key_that_samples_hold_stops_the_bundle(here: ClusterConfig) -> None:
    Path("s.jsonl").write_bytes(samples([1]) + KEY.encode())
    asked = dataclasses.replace(target(here), key=KEY)
    with pytest.raises(OrchestrateError, match="holds the server's API key"):
        bundle(asked, BundleRequest(samples=(Path("s.jsonl"),)), SILENT)
    assert not Path("artifacts/audit").exists()


def test_a_password_in_an_address_is_masked() -> None:
    env = {"VLLM_PROXY": "http://ada:open@proxy:3128"}
    assert b"http://****@proxy" in files(server=server(environment=env))["server.json"]


# -- the user's own files


def test_names_of_what_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "artifacts/test-smoke/noon"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("1")
    monkeypatch.chdir(folder.parent)
    wanted = {"added/test-smoke/noon/result.json": b"1"}
    assert read_attachments((), (folder,)) == read_attachments((), (Path("noon"),)) == wanted
    assert read_attachments((), (folder / "result.json",)) == {"added/noon/result.json": b"1"}


def test_what_cannot_be_added(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "a").write_text("")
    for path, message in (
        ("none", "no such file"),
        ("link", "is a link"),
        ("empty", "holds no file"),
        ("", "is a link"),
    ):
        with pytest.raises(UsageError, match=message):
            read_attachments((), (tmp_path / path,))
    with pytest.raises(UsageError, match="two files would have the name"):
        read_attachments((), (tmp_path / "a", tmp_path / "a"))


def test_where_we_are_is_no_secret(here: ClusterConfig) -> None:
    """$PWD has a name like a password's, and its value stands in every bundle."""
    env = {"PWD": "/home/ada/work", "DB_PASS": "correct-horse"}
    found = known_secrets(target(here), here, env)
    assert found.get("$DB_PASS") == "correct-horse"
    assert "$PWD" not in found
