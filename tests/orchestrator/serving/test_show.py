"""`models show`: what `serve` would launch, and who said each word of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import Unreachable
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.reporter import SILENT
from orchestrator.cli.render import as_json
from orchestrator.models.lockfile import LockedModel, ModelsLock
from orchestrator.recipes.layers import parse_settings
from orchestrator.recipes.recipe import FOLDER, load_recipe
from orchestrator.serving.resolve import ServeRequest
from orchestrator.serving.show import ShowReport, show_on_hosts, show_recipe
from orchestrator.serving.show_screen import show_screen
from tests.support.factory import GIB, config_of, spark
from tests.support.golden_text import assert_golden
from tests.support.screen import screen_text
from tests.support.scripted import Script
from tests.support.typed import exit_code

COMMIT = "c" * 40
SPARKS = config_of(
    {
        "name": "spark-1",
        "role": "head",
        "fast_address": "192.168.100.10",
        "address": "10.1.0.1",
        "env": {"NCCL_DEBUG": "INFO", "HF_TOKEN": "hf_secret"},
    },
    {"name": "spark-2", "fast_address": "192.168.100.11", "address": "10.1.0.2"},
)
HOSTS = [spark(node, f"192.168.101.1{n}") for n, node in enumerate(SPARKS.node)]
AWQ = load_recipe("awq-235b")
LOCK = ModelsLock().with_model(
    LockedModel(model=AWQ.model, revision="main", commit=COMMIT, locked="now", files=())
)
MODEL = {"num_attention_heads": 64, "num_key_value_heads": 4}


def request(name: str, *words: str) -> ServeRequest:
    return ServeRequest(load_recipe(name), parse_settings(words))


def script(hosts: Sequence[HostFacts], *, problem: str = "", hangs: bool = False) -> Script:
    up = {host.node.name: host for host in hosts}

    def probe(node: Node, asked: Any) -> Any:
        if node.name not in up:
            raise Unreachable(node.name, "10.1.0.1:22 does not answer")
        return up[node.name].model_dump(exclude={"node"})

    def files(node: Node, asked: Any) -> Any:
        assert COMMIT in json.dumps(asked), "the locked commit is what is looked for"
        found = {
            "path": f"/cache/snapshots/{COMMIT}",
            "files": [["m.safetensors", 116 * GIB]],
            "config": MODEL,
            "tensors": [],
            "problem": problem,
        }
        return {"hangs": hangs, "code": 0, "out": json.dumps(found)}

    return Script(answers={"cluster.host.probe": probe, "cluster.host.guarded": files})


def on_hosts(made: Script, asked: ServeRequest, config: ClusterConfig = SPARKS) -> ShowReport:
    return show_on_hosts(made, config, asked, LOCK, SILENT)


def text_of(found: ShowReport) -> str:
    return screen_text(show_screen(found)).replace(str(FOLDER), "...")


def test_every_origin_of_what_two_sparks_would_serve() -> None:
    asked = request("awq-235b", "max_model_len=16384", "env.VLLM_LOGGING_LEVEL=DEBUG")
    found = on_hosts(script(HOSTS), asked)
    assert_golden("models-show-sparks", text_of(found))
    assert "hf_secret" not in as_json(found)


def test_without_a_host_the_hardware_may_be_named() -> None:
    found = show_recipe(
        request("coder-480b-fp8"), ModelsLock(), "h100", SILENT, note="no host was asked"
    )
    assert_golden("models-show-h100", text_of(found))


@pytest.mark.parametrize(
    ("made", "note"),
    [
        (script([]), "no host answers (10.1.0.1:22 does not answer)"),
        (script(HOSTS, problem="missing"), "no split yet, it follows from the files: missing on"),
        (script(HOSTS, hangs=True), "the model cache /home/ada/.cache/huggingface hangs"),
        (script(HOSTS[:1]), "2 GPUs are wanted, but there are: spark-1 1 of 1 free"),
    ],
)
def test_what_the_hosts_do_not_say_is_a_note(made: Script, note: str) -> None:
    found = on_hosts(made, request("awq-235b"))
    assert found.note.startswith(note)
    assert found.args["max_model_len"].value == 8192
    assert found.command == ()


def test_a_recipe_for_audit_is_shown_without_its_lock() -> None:
    found = show_recipe(request("reference-235b"), ModelsLock(), None, SILENT, note="")
    assert found.fields["revision"].value == "main"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["tiny"], 0, "there is no inventory: no host was asked"),
        (["tiny", "--hardware", "gb10"], 0, "hardware profile gb10"),
        (["tiny", "--hardware", "gb1"], 2, "no hardware `gb1`\n  hint: did you mean `gb10`"),
        ([], 2, "no recipe is named"),
        (["--recipe", "no.toml"], 2, "no.toml: no such recipe file"),
    ],
)
def test_the_verb_without_an_inventory(
    words: list[str],
    code: int,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCHESTRATE_NODES", raising=False)
    assert exit_code("models", "show", *words) == code
    printed = capsys.readouterr()
    assert text in printed.out + printed.err
