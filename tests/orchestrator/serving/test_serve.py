"""Everything that `serve` decides before it starts anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import ConfigError, PreflightError, Unreachable, UsageError
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from orchestrator.host import make_tiny
from orchestrator.models.lockfile import LockedModel, ModelsLock, write_lock
from orchestrator.recipes.recipe import load_recipe
from orchestrator.serving.prepare import Launch, prepare
from orchestrator.serving.resolve import ServeRequest
from tests.support.factory import VERSIONS, config_of, entry, host_facts, whole
from tests.support.scripted import Script

CONFIG = config_of(entry(1), entry(2))
PROBE, GUARDED = "cluster.host.survey", "cluster.host.guarded"
ASK = "orchestrator.host.vllm_arguments"
NAMES = ("max-model-len", "max-num-seqs", "gpu-memory-utilization", "tensor-parallel-size")
OPTIONS = {f"--{name}": None for name in (*NAMES, "distributed-executor-backend")}
MODEL = make_tiny.CONFIG
TENSORS = [["model.layers.0.mlp.experts.*.up_proj.weight", "BF16", [128, 256], 8]]
FILES = {"path": "/cache/tiny", "files": [["m.safetensors", 10]], "config": MODEL, "problem": ""}


def script(*, gone: str = "", problem: str = "", path: str = "/cache/tiny") -> Script:
    up = {host.node.name: host for host in whole(CONFIG).hosts}

    def probe(node: Node, request: Any) -> Any:
        if node.name == gone:
            raise Unreachable(node.name, "does not answer")
        return up[node.name].model_dump(exclude={"node"})

    found = {
        "hangs": False,
        "code": 0,
        "out": json.dumps({**FILES, "path": path, "problem": problem}),
    }
    headers = {"config": MODEL, "tensors": TENSORS, "problem": ""}

    def guarded(node: Node, request: Any) -> Any:
        asked = "headers" if request["request"].keys() == {"path"} else "files"
        return found if asked == "files" else {**found, "out": json.dumps(headers)}

    accepted = {"options": OPTIONS, "tool_parsers": [], "reasoning_parsers": []}
    return Script(
        answers={
            PROBE: probe,
            GUARDED: guarded,
            ASK: lambda node, request: accepted,
        }
    )


def prepared(made: Script, **settings: Any) -> Launch:
    return prepare(made, CONFIG, ServeRequest(load_recipe("tiny"), settings), SILENT, dry=True)


def test_a_dry_run_decides_everything_and_changes_nothing() -> None:
    made = script()
    launch = prepared(made)
    assert str(launch.placement) == "tensor parallel 2 on h1, h2"
    assert not launch.runs_already
    assert launch.service.command.argv[1:3] == ("serve", "/cache/tiny")
    assert {name for _, name, _ in made.ran} == {PROBE, GUARDED, ASK}
    assert "api-key" not in str(launch.plan)


def test_set_reaches_the_words() -> None:
    words = prepared(script(), max_model_len=64, port=8300).service.command.argv
    assert words[words.index("--max-model-len") + 1] == "64"
    assert words[words.index("--port") + 1] == "8300"


def test_a_parser_that_does_not_fit_the_chat_template_ends_it_before_the_load() -> None:
    plain = script().answers
    template = {"file": "chat_template.jinja", "text": "<tool_call>\n<function=name>"}

    def guarded(node: Node, request: Any) -> Any:
        if "template" in request["request"]:
            return {"hangs": False, "code": 0, "out": json.dumps(template)}
        return plain[GUARDED](node, request)

    options = {**OPTIONS, "--tool-call-parser": None}
    accepted = {"options": options, "tool_parsers": [], "reasoning_parsers": []}
    made = Script(answers={**plain, GUARDED: guarded, ASK: lambda node, request: accepted})
    with pytest.raises(PreflightError, match="the parser hermes does not read that") as caught:
        prepared(made, tool_call_parser="hermes")
    assert "--set tool_call_parser=qwen3_xml" in str(caught.value)
    assert "--force parser" in str(caught.value)
    service = prepared(made, tool_call_parser="qwen3_xml").service
    assert "orchestrate_vllm_tool_parser.py" in service.files


def test_the_locked_commit_is_what_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where models.lock lies for this inventory
    tiny, commit = load_recipe("tiny"), "c" * 40
    plain = {"model": tiny.model, "revision": "main", "locked": "now", "files": ()}
    entry = LockedModel.model_validate({**plain, "commit": commit})
    write_lock(tmp_path / "models.lock", ModelsLock().with_model(entry))
    made = script(path=f"/cache/snapshots/{commit}")
    launch = prepared(made)
    assert launch.locked
    assert launch.service.labels["commit"] == commit
    assert launch.service.command.argv[2] == f"/cache/snapshots/{commit}"
    looked = [json.dumps(request) for _, name, request in made.ran if name == GUARDED]
    assert all(commit in request for request in looked)
    assert not prepared(script()).locked


def test_a_recipe_that_needs_its_lock_is_refused_before_any_host_is_asked() -> None:
    made = script()
    with pytest.raises(UsageError, match="served at one commit only"):
        prepare(made, CONFIG, ServeRequest(load_recipe("reference-235b")), SILENT, dry=True)
    assert not made.ran


def test_an_option_that_vllm_does_not_know_ends_it_at_once() -> None:
    with pytest.raises(ConfigError, match="has no option --max-modle-len"):
        prepared(script(), max_modle_len=64)


def test_a_lost_host_is_named_beside_the_missing_gpus() -> None:
    with pytest.raises(PreflightError) as caught:
        prepared(script(gone="h2"), tensor_parallel_size=2)
    assert "2 GPUs are wanted, but there are: h1 1 of 1 free" in str(caught.value)
    assert "h2: does not answer" in str(caught.value)


def test_nobody_answers() -> None:
    def refuse(node: Node, request: Any) -> Any:
        raise Unreachable(node.name, "does not answer")

    with pytest.raises(PreflightError, match="h1: does not answer\nh2: does not answer"):
        prepared(Script(answers={PROBE: refuse}))


def test_versions_that_differ_are_found_before_the_load() -> None:
    made = script()
    old = host_facts(CONFIG.node[1], versions={**VERSIONS, "vllm": "0.31.0"})
    probe = made.answers[PROBE]

    def differing(node: Node, request: Any) -> Any:
        answer = probe(node, request)
        return answer if node.is_head else {**answer, "versions": dict(old.versions)}

    made.answers = {**made.answers, PROBE: differing}
    with pytest.raises(
        PreflightError, match=r"vllm is not the same everywhere: h1 0.32.0, h2 0.31"
    ):
        prepared(made)
