"""What a model's name means: the same for plan, lock, pull, sync, verify and serve."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import constants

from cluster.errors import PreflightError, UsageError
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from cluster.transport.local import Local
from cluster.transport.program import Program
from cluster.transport.protocol import COMMAND_TIMEOUT_S, Result
from orchestrator.host.make_tiny import CONFIG
from orchestrator.models.lock import lock_model
from orchestrator.models.lockfile import lock_path, read_lock
from orchestrator.models.name import Folder, Hub, Made, ModelName, name_of
from orchestrator.models.pull import pull
from orchestrator.models.sync.sync import sync
from orchestrator.models.verify.verify import from_lock, verify
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.plan import plan_on_hosts
from orchestrator.serving.prepare import Preparation
from orchestrator.serving.resolve import ServeRequest
from tests.hub.repository import Repository
from tests.hub.server import Hub as HubServer
from tests.support.factory import config_of, entry, host_facts, survey
from tests.support.reporter import Recorder
from tests.support.scripted import name_of as program_name
from tests.support.scripted import request_of

EMPTY = (2).to_bytes(8, "little") + b"{}"  # a safetensors file without a tensor
FILES = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": EMPTY}
PLAIN = {"name": "mine", "description": "d", "served_name": "m"}


@dataclass
class OneHost(Local):
    """This machine, with a cache of its own and the facts that the test wrote down."""

    facts: HostFacts

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        if program_name(program) in ("cluster.host.probe", "cluster.host.survey"):
            return Result(0, self.facts.model_dump_json(exclude={"node"}), "")
        return super().run(node, program, timeout_s=timeout_s)


class BareHost(OneHost):
    """A host that has no model."""

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        if program_name(program) == "cluster.host.guarded":
            path = request_of(program)["request"]["folder"]
            found = {"path": path, "files": [], "config": None, "problem": "missing"}
            answer = {"hangs": False, "code": 0, "out": json.dumps(found)}
            return Result(0, json.dumps(answer), "")
        return super().run(node, program, timeout_s=timeout_s)


@dataclass
class Desk:
    """One host, its inventory, a hub that has two models, and a folder for others."""

    host: OneHost
    config: ClusterConfig
    folder: Path

    def recipe(self, model: str) -> Recipe:
        made = "tiny" if model == "tiny" else None
        text = model.replace("FOLDER", str(self.folder))
        return Recipe.model_validate({**PLAIN, "model": text, "made": made})

    def put(self, path: Path) -> None:
        path.mkdir(parents=True)
        for name, data in FILES.items():
            (path / name).write_bytes(data)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    config = config_of(entry(1)).model_copy(update={"source": str(tmp_path / "nodes.toml")})
    cache = {"path": str(tmp_path / "cache"), "hangs": False, "exists": True, "writable": True}
    facts = host_facts(config.head, cache=cache, survey=survey())
    monkeypatch.setenv("HOME", str(tmp_path))  # the lock's program writes there
    with HubServer.up() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        for name in ("org/m", "gpt2"):
            hub.add(Repository(name).commit(FILES))
        desk = Desk(OneHost(facts), config, tmp_path / "models")
        desk.put(tmp_path / "cache/orchestrate/tiny")
        desk.put(tmp_path / "models/mine")
        yield desk


@pytest.mark.parametrize(
    ("model", "kind", "folder"),
    [
        ("org/m", Hub, "cache/hub/models--org--m/snapshots/COMMIT"),
        ("gpt2", Hub, "cache/hub/models--gpt2/snapshots/COMMIT"),
        ("FOLDER/mine", Folder, "models/mine"),
        ("tiny", Made, "cache/orchestrate/tiny"),
    ],
)
def test_six_verbs_understand_a_name_alike(
    desk: Desk, tmp_path: Path, model: str, kind: type[ModelName], folder: str
) -> None:
    recipe, host, config = desk.recipe(model), desk.host, desk.config
    assert type(name_of(recipe)) is kind
    locked = lock_model(host, config, recipe, SILENT)
    assert (locked.files, bool(locked.commit)) == (2, kind is Hub)
    path = str(tmp_path / folder.replace("COMMIT", locked.commit))
    if kind is Hub:
        assert pull(host, config, recipe, None, SILENT).path == path
    else:
        with pytest.raises(UsageError, match="there is nothing to download"):
            pull(host, config, recipe, None, SILENT)
    lock = read_lock(lock_path(config))
    copied = sync(host, config, recipe, lock, None, SILENT)
    assert (copied.commit, [each.state for each in copied.hosts]) == (locked.commit, ["source"])
    verified = verify(host, config, from_lock(config, recipe), SILENT)
    assert (verified.same, verified.hosts[0].path) == (True, path)
    request = ServeRequest(recipe)
    assert plan_on_hosts(host, config, request, SILENT).source.startswith(f"h1:{path},")
    work = Preparation(host, config, request, SILENT, dry=True)
    assert [each.path for each in work.gather(work.resolve()).models] == [path]


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("org/m", "orchestrate models pull mine"),
        ("gpt2", "orchestrate models pull mine"),
        ("FOLDER/other", "copy it to FOLDER/other on one host, then orchestrate models sync mine"),
    ],
)
def test_serve_names_the_command_that_brings_a_missing_model(
    desk: Desk, model: str, hint: str
) -> None:
    work = Preparation(desk.host, desk.config, ServeRequest(desk.recipe(model)), SILENT, dry=True)
    with pytest.raises(PreflightError) as caught:
        work.gather(work.resolve())
    assert f"hint: {hint.replace('FOLDER', str(desk.folder))}" in str(caught.value)


def test_a_folder_that_only_this_machine_has_is_not_planned_for_the_hosts(desk: Desk) -> None:
    """Neither the hub nor this machine's disk is asked for what the hosts do not have."""
    recipe, heard = desk.recipe("FOLDER/mine"), Recorder()
    host = BareHost(desk.host.facts)
    with pytest.raises(PreflightError, match="/mine is not on this host: no such folder") as caught:
        plan_on_hosts(host, desk.config, ServeRequest(recipe), heard)
    assert "orchestrate models sync mine" in str(caught.value)
    assert heard.lines == []


@pytest.mark.parametrize(
    ("text", "made", "kind", "folder"),
    [
        ("org/m", False, Hub, "hub/models--org--m"),
        ("gpt2", False, Hub, "hub/models--gpt2"),
        ("/models/m", False, Folder, "/models/m"),
        ("~/m", False, Folder, "~/m"),
        ("tiny", True, Made, "orchestrate/tiny"),
        ("/models/tiny", True, Made, "/models/tiny"),
    ],
)
def test_where_a_name_leads(text: str, made: bool, kind: type[ModelName], folder: str) -> None:
    name = ModelName.of(text, made=made)
    assert (type(name), name.folder, name.on_hub) == (kind, folder, kind is Hub)
