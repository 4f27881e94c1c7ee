"""Bundles for tests: a whole and sane one, and what the test wants otherwise."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.facts.hosts import Facts, HostFacts, RunningService
from cluster.inventory.config import ClusterConfig
from orchestrator.api.target import Home, Target
from orchestrator.audit.archive import pack
from orchestrator.audit.bundle_files import BundleInputs, bundle_files
from orchestrator.audit.sha256sums import with_sums
from orchestrator.models.lockfile import LockedFile, LockedModel
from orchestrator.models.verify.manifest import manifest_of
from orchestrator.models.verify.verify import HostVerify, VerifyReport
from orchestrator.recipes.layers import apply_layers
from orchestrator.recipes.recipe import load_recipe
from orchestrator.records.provenance import Provenance, provenance
from orchestrator.serving.endpoint import endpoint_of
from orchestrator.serving.made_of import RECIPE, recorded
from tests.support.factory import VERSIONS, config_of, host_facts, service, whole
from tests.support.samples import chunk, content_of, header
from tests.support.scripted import Script

CONFIG = config_of()
COMMIT = "c" * 40
FOLDER = f"/cache/hub/models--org--m/snapshots/{COMMIT}"
NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
TOP = "20261121T120000Z-tiny"
SHA256 = {"a.safetensors": "a" * 64, "config.json": "d" * 64}
LOCKED = LockedModel(
    model="org/m",
    revision="main",
    commit=COMMIT,
    locked="2026-11-20T08:00:00Z",
    files=(
        LockedFile(path="config.json", size=2, hash="git-sha1:" + "b" * 40),
        LockedFile(path="a.safetensors", size=7, hash="sha256:" + "a" * 64),
    ),
)
WORDS: tuple[str, ...] = (
    *("/venv/bin/vllm", "serve", FOLDER, "--served-model-name", "tiny", "--port", "8200"),
    *("--dtype", "float16", "--seed", "1", "--enforce-eager", "--tensor-parallel-size", "2"),
)


def home(config: ClusterConfig = CONFIG) -> Home:
    """`tiny` served on both hosts."""
    about = {
        "recipe": "tiny",
        "model": "org/m",
        "revision": COMMIT,
        "served_name": "tiny",
        "host": "127.0.0.1",
        "port": 8200,
        "split": "tensor parallel 2 on h1, h2",
        "gpus": {"h1": 1, "h2": 1},
        RECIPE: recorded(apply_layers(load_recipe("tiny"), None, {"env.MY_TOKEN": "hidden-value"})),
    }
    env = {"VLLM_BATCH_INVARIANT": "1", "NCCL_IB_HCA": "rocep1s0f0", "HF_TOKEN": "****"}
    running = service("vllm-tiny", about=about, words=WORDS, env=env)
    facts = whole(CONFIG)
    versions = {**VERSIONS, "cuda": "13.0.48"}
    hosts = tuple(
        host_facts(host.node, services=(running,), kernel="6.18.0", versions=versions)
        for host in facts.hosts
    )
    return home_of(config, dataclasses.replace(facts, hosts=hosts), hosts[0], running)


def home_of(config: ClusterConfig, facts: Facts, host: HostFacts, running: RunningService) -> Home:
    """On hosts that need not be asked again."""
    endpoint = endpoint_of(running)
    assert endpoint
    return Home(config, Script(), facts, host, running, endpoint)


def target(config: ClusterConfig = CONFIG) -> Target:
    return Target("http://127.0.0.1:1", "http://127.0.0.1:8200/v1 on h1", "tiny", "", home(config))


def server(**changes: Any) -> Provenance:
    return dataclasses.replace(provenance(target()), **changes)


def manifest(sums: Mapping[str, str] = SHA256, *, commit: str = COMMIT) -> dict[str, Any]:
    folder = FOLDER.replace(COMMIT, commit)
    hosts = tuple(
        HostVerify(name, "same", folder, "ext4 from /dev/sda", read_bytes=9, sha256=dict(sums))
        for name in ("h1", "h2")
    )
    report = VerifyReport("tiny", "org/m", commit, len(sums), 9, False, hosts, (), 1.0)
    files = tuple(file for file in LOCKED.files if file.path in sums)
    locked = LOCKED.model_copy(update={"files": files, "commit": commit})
    made = manifest_of(report, locked, "2026-11-21T11:00:00+00:00", "ada@desk")
    return made.model_dump(mode="json")


def known(**changes: Any) -> BundleInputs:
    plain: dict[str, Any] = {
        "server": server(),
        "created": NOON,
        "by": "ada@desk",
        "home": home(),
        "config": CONFIG,
        "locked": LOCKED,
        "manifest": json.dumps(manifest()).encode(),
        "others": {"samples/s.jsonl": samples([1, 2, 3], [4, 5, 6]), "added/x/note": b"hello"},
    }
    return BundleInputs(**{**plain, **changes})


def files(**changes: Any) -> dict[str, bytes]:
    return with_sums(bundle_files(known(**changes)))


def written(path: Path, content: Mapping[str, bytes] | None = None) -> Path:
    path.write_bytes(pack(TOP, files() if content is None else content))
    return path


def samples(*chunks: list[int], **settings: Any) -> bytes:
    """A session of `orchestrate sample`."""
    head = header({"commit": COMMIT, "served_name": "tiny"}, **settings)
    note = {"record": "note", "kind": "unseen", "what": "others cannot be seen", "chunk": 0}
    return content_of(head, note, *(chunk(n, ids) for n, ids in enumerate(chunks)))
