"""What fits where, as a user reads it; and what would fit, each option tried for real."""

import json
import shlex
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cluster.errors import PreflightError, UsageError
from cluster.facts.hosts import Facts
from cluster.inventory.cost import CostTable
from cluster.reporter import SILENT
from orchestrator.capacity.alternatives import PlanRequest, more_hosts
from orchestrator.capacity.checks import fit_findings
from orchestrator.capacity.hardware import hosts_of
from orchestrator.cli.render import as_json
from orchestrator.models.lockfile import ModelsLock
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.layers import parse_settings, recipe_on
from orchestrator.recipes.recipe import load_recipe
from orchestrator.serving.plan import PlanReport, plan_for, plan_on_hardware
from orchestrator.serving.plan_screen import plan_screen
from orchestrator.serving.prepare import place_on
from orchestrator.serving.resolve import ServeRequest
from tests.support import models
from tests.support.factory import GIB, config_of, entry, gpu, host_facts, model
from tests.support.golden_text import assert_golden
from tests.support.typed import exit_code

CONFIGS = {
    "awq-235b": "qwen3-235b-a22b-instruct-2507-awq",
    "coder-480b-fp8": "qwen3-coder-480b-a35b-instruct-fp8",
    "llama-8b-invariant": "llama-3.1-8b-instruct",
    "next-80b-fp8": "qwen3-next-80b-a3b-instruct-fp8",
    "reference-235b": "qwen3-235b-a22b-instruct-2507",
    "vl-235b-fp8": "qwen3-vl-235b-a22b-thinking-fp8",
}
Plan = Callable[..., PlanReport]
PRICES = CostTable(gpu_hour_price=4)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of a recipe with its model's real config.json."""

    def made(recipe: str, hardware: str, *settings: str) -> PlanReport:
        raw = models.config(CONFIGS[recipe])
        (tmp_path / "config.json").write_text(json.dumps(raw))
        words = parse_settings([f"model={tmp_path}", *settings])
        request = ServeRequest(load_recipe(recipe), words)
        return plan_on_hardware(hardware, request, ModelsLock(), PRICES, SILENT)

    return made


def screen(report: PlanReport) -> str:
    written = StringIO()
    Console(file=written, width=200, soft_wrap=True).print(plan_screen(report))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def shown(report: PlanReport, tmp_path: Path) -> str:
    return screen(report).replace(str(tmp_path), "/models/m") + "\n"


def test_awq_235b_on_two_sparks(plan: Plan, tmp_path: Path) -> None:
    report = plan("awq-235b", "gb10x2")
    assert report.fits
    assert_golden("plan-awq-235b-sparks", shown(report, tmp_path))


def test_what_does_not_fit_says_what_does(plan: Plan, tmp_path: Path) -> None:
    report = plan("coder-480b-fp8", "h200x4", "max_model_len=131072")
    assert not report.fits
    assert_golden("plan-coder-480b-too-long", shown(report, tmp_path))


def test_the_cost_is_that_of_the_gpus_it_would_use(plan: Plan) -> None:
    """Four GPUs at 4 USD."""
    report = plan("coder-480b-fp8", "h200x4")
    assert "cost         16.00 USD an hour, 384.00 USD a day" in screen(report)


@pytest.mark.parametrize(
    ("recipe", "hardware", "fits"),
    [
        ("awq-235b", "gb10x2", True),
        ("awq-235b", "h100x2", True),
        ("reference-235b", "h100x8", True),
        ("reference-235b", "gb10x8", True),
        ("vl-235b-fp8", "h200x8", True),
        ("vl-235b-fp8", "h200x4", True),
        ("next-80b-fp8", "h200", True),
        ("next-80b-fp8", "gb10", True),
        ("next-80b-fp8", "h100", False),
        ("coder-480b-fp8", "h200x4", True),
        ("coder-480b-fp8", "h100x8", True),
        ("llama-8b-invariant", "gb10", True),
        ("llama-8b-invariant", "a100", True),
    ],
)
def test_recipes_on_the_hardware_that_they_are_written_for(
    plan: Plan, recipe: str, hardware: str, fits: bool
) -> None:
    assert plan(recipe, hardware).fits is fits


@pytest.mark.parametrize(
    ("recipe", "hardware", "settings"),
    [
        ("coder-480b-fp8", "h200x4", ("max_model_len=131072",)),
        ("llama-8b-invariant", "gb10", ("max_model_len=131072", "gpu_memory_utilization=0.2")),
        ("vl-235b-fp8", "h200x8", ("enable_expert_parallel=false",)),
        ("reference-235b", "h100x8", ("max_model_len=262144", "gpu_memory_utilization=0.82")),
    ],
)
def test_every_option_fits_when_it_is_typed(
    plan: Plan, recipe: str, hardware: str, settings: tuple[str, ...]
) -> None:
    report = plan(recipe, hardware, *settings)
    assert not report.fits
    assert report.nearest
    for option in report.nearest:
        words = [word for each in option.words for word in shlex.split(each)]
        pairs = list(zip(words[::2], words[1::2], strict=True))
        where = next((value for name, value in pairs if name == "--hardware"), hardware)
        again = [value for name, value in pairs if name == "--set"]
        assert plan(recipe, where, *settings, *again).fits, option


def test_too_few_gpus_for_the_split_says_which_are_enough(plan: Plan) -> None:
    with pytest.raises(PreflightError) as caught:
        plan("awq-235b", "gb10")
    text = str(caught.value)
    assert "awq-235b does not fit: 2 GPUs are wanted, but there are: gb10-1 1 of 1 free" in text
    assert "hint: --hardware gb10x2 (2 GPUs)" in text


@pytest.mark.parametrize("wrong", ["h20x4", "x", "h200x0", "h200x9999", "", "cpu", "gb10 x 2"])
def test_hardware_that_nobody_knows(wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        hosts_of(wrong, load_hardware())
    assert "gb10x2" in str(caught.value)
    assert caught.value.exit_code == 2


def test_hardware_needs_no_inventory_that_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_NODES", "/nowhere/nodes.toml")
    assert exit_code("plan", "--model", "tiny", "--hardware", "gb10x2") == 0


def test_hardware_is_dealt_to_hosts() -> None:
    known = load_hardware()
    assert [len(host.gpus) for host in hosts_of("h100x12", known)] == [8, 4]
    assert [len(host.gpus) for host in hosts_of("gb10x3", known)] == [1, 1, 1]
    assert len(hosts_of("h200", known)[0].gpus) == 1


def test_sparks_come_in_two_sizes() -> None:
    small = hosts_of("gb10-64x2", load_hardware())
    assert [host.gpus[0].name for host in small] == ["NVIDIA GB10"] * 2
    assert small[0].memory.total < hosts_of("gb10", load_hardware())[0].memory.total * 0.6


def test_one_request_at_a_time_is_one_at_once(plan: Plan) -> None:
    assert plan("reference-235b", "h100x8").at_once == {"8k": 1, "32k": 1, "full": 1}


def test_a_plan_as_json(plan: Plan) -> None:
    said: dict[str, Any] = json.loads(as_json(plan("awq-235b", "gb10x2")))
    assert said["fits"] is True
    assert said["verdict"] == "fits"
    assert said["gpus"][0]["host"] == "gb10-1"
    assert {each["tokens"] for each in said["contexts"]} >= {8192, 262144}
    assert said["at_once"].keys() == {"8k", "32k", "full"}


SMALL = {"num_hidden_layers": 8, "num_attention_heads": 64, "num_key_value_heads": 4}


def test_memory_that_somebody_else_holds() -> None:
    """And what is refused names the check that can be forced."""
    node = config_of(entry(1)).head
    busy = host_facts(node, gpus=(gpu(memory_free=40 * GIB),))
    recipe = recipe_on(load_recipe("tiny"), None, {"gpu_memory_utilization": 0.9})
    small = model(1, SMALL)
    placement = place_on(Facts((busy,), ()), recipe, small)
    (found,) = fit_findings(recipe, small, placement, [busy], {})
    assert (found.check, found.where, found.state) == ("memory", "h1", "failure")
    assert found.what == "40.0 GiB are free, and vLLM takes 125.5 GiB"
    report = plan_for(PlanRequest(recipe, small, (busy,), {}, None, more_hosts([busy])))
    assert not report.fits


def test_nothing_is_refused_on_a_guess() -> None:
    node = config_of(entry(1)).head
    unknown = model(500, {**SMALL, "model_type": "foo"})
    guessed = type(unknown)(**{**vars(unknown), "guesses": ("architecture foo is not known",)})
    recipe = load_recipe("tiny")
    host = host_facts(node)
    placement = place_on(Facts((host,), ()), recipe, guessed)
    findings = fit_findings(recipe, guessed, placement, [host], {})
    assert {each.state for each in findings} == {"warning"}
