"""The words of vLLM, and the whole launch as text that a person has read."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cluster.facts.hosts import Facts, HostFacts
from cluster.inventory.config import ClusterConfig
from orchestrator.capacity.placement import Placement
from orchestrator.recipes.hardware import hardware_name, load_hardware
from orchestrator.recipes.layer import Value
from orchestrator.recipes.layers import recipe_on
from orchestrator.recipes.recipe import Media, load_recipe
from orchestrator.serving.endpoint import gpus_in_use
from orchestrator.serving.launch import plan_launch
from orchestrator.serving.media import media_service
from orchestrator.serving.prepare import place_on
from orchestrator.serving.vllm import option_words, vllm_service
from tests.support.factory import (
    config_of,
    eight_gpus,
    ended,
    entry,
    host_facts,
    model,
    service,
    spark,
)
from tests.support.golden_text import assert_golden
from tests.support.plan_text import as_read, as_sent

MODEL = {"num_attention_heads": 64, "num_key_value_heads": 4}
SPARKS = (
    {"name": "spark-1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"},
    {"name": "spark-2", "fast_address": "192.168.100.11", "address": "10.1.0.2"},
)


def launch_text(
    config: ClusterConfig, name: str, hosts: Sequence[HostFacts], gib: float, key: str = ""
) -> str:
    """What `serve --model NAME --dry-run` prints for these hosts."""
    known = load_hardware()
    gpus = [gpu for host in hosts for gpu in host.gpus]
    recipe = recipe_on(load_recipe(name), hardware_name(gpus, known), {})
    path = f"/home/ada/.cache/huggingface/{name}"
    placement = place_on(Facts(tuple(hosts), ()), recipe, model(gib, MODEL))
    made = vllm_service(config, recipe, placement, path, key)
    first = placement.hosts[0]
    return str(plan_launch(config, first, made, media_service(config, recipe, first), key))


def test_tiny_on_two_hosts_with_one_gpu_each() -> None:
    config = config_of(entry(1), entry(2))
    hosts = [host_facts(node) for node in config.node]
    assert_golden("serve-tiny-two-hosts", launch_text(config, "tiny", hosts, 0.01))


def test_tiny_on_one_host_with_eight_gpus() -> None:
    config = config_of(entry(1))
    assert_golden(
        "serve-tiny-eight-gpus", launch_text(config, "tiny", [eight_gpus(config.head)], 0.01)
    )


def test_awq_235b_on_two_sparks() -> None:
    config = config_of(*SPARKS)
    head, worker = config.node
    hosts = [spark(head, "192.168.101.10"), spark(worker, "192.168.101.11")]
    assert_golden("serve-awq-235b-sparks", launch_text(config, "awq-235b", hosts, 116))


def test_an_open_server_gets_its_key_in_a_file_and_nowhere_else() -> None:
    config = config_of(entry(1), serve={"host": "0.0.0.0"})
    hosts = [host_facts(config.head, services=(ended("vllm-tiny"),))]
    text = launch_text(config, "tiny", hosts, 0.01, key="top-secret")
    assert_golden("serve-with-key", text)
    assert "top-secret" not in text


def test_what_runs_already_is_not_planned_again() -> None:
    config = config_of(entry(1))
    hosts = [host_facts(config.head, services=(service("vllm-tiny"),))]
    assert launch_text(config, "tiny", hosts, 0.01) == "serve vllm-tiny: nothing to do"


def test_a_launch_shows_all_that_is_sent() -> None:
    recipe = load_recipe("tiny").model_copy(update={"env": {"HF_HUB_OFFLINE": "0", "X_Y": "a b"}})
    recipe = recipe.model_copy(update={"media": Media(folder="~/films"), "revision": "x"})
    config = config_of(entry(1, env={"RAY_DEDUP_LOGS": "1"}), serve={"host": "0.0.0.0"})
    host = host_facts(config.head)
    service = vllm_service(config, recipe, Placement((host,), 1, 1), "/m", "top-secret")
    plan = plan_launch(config, host, service, media_service(config, recipe, host), "top-secret")
    assert list(as_read(plan).values()) == as_sent(plan)
    assert len(plan.starts()) == 2
    assert "top-secret" not in str(plan)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("enforce_eager", True, ["--enforce-eager"]),
        ("enforce_eager", False, ["--no-enforce-eager"]),
        ("max_model_len", 8192, ["--max-model-len", "8192"]),
        ("gpu_memory_utilization", 0.75, ["--gpu-memory-utilization", "0.75"]),
        ("dtype", "float32", ["--dtype", "float32"]),
        ("allowed_origins", ["a", "b c"], ["--allowed-origins", "a", "b c"]),
        ("limit_mm_per_prompt", {"image": 4}, ["--limit-mm-per-prompt", '{"image": 4}']),
    ],
)
def test_option_words(key: str, value: Value, words: list[str]) -> None:
    assert list(option_words(key, value)) == words


def test_the_gpus_that_a_service_holds_are_counted_from_what_runs() -> None:
    head, worker = config_of().node
    about = {"gpus": {"h1": 1, "h2": 1}}
    running = host_facts(head, services=(service("vllm-a", about=about), service("ray-head")))
    dead = host_facts(worker, services=(ended("vllm-b").model_copy(update={"labels": about}),))
    facts = Facts((running, dead), ())
    assert gpus_in_use(facts, besides="vllm-tiny") == {"h1": 1, "h2": 1}
    assert gpus_in_use(facts, besides="vllm-a") == {}


def test_each_host_has_its_share_of_the_ranks() -> None:
    config = config_of(entry(1), entry(2))
    hosts = tuple(eight_gpus(node) for node in config.node)
    made = vllm_service(config, load_recipe("tiny"), Placement(hosts, 8, 2), "/m")
    assert made.labels["gpus"] == {"h1": 8, "h2": 8}
    made = vllm_service(config, load_recipe("tiny"), Placement(hosts[:1], 4, 1), "/m")
    assert made.labels["gpus"] == {"h1": 4}


def test_the_users_environment_wins() -> None:
    config = config_of(entry(1, env={"NCCL_SOCKET_IFNAME": "mine"}))
    placement = Placement((host_facts(config.head),), 1, 1)
    recipe = load_recipe("tiny").model_copy(update={"env": {"NCCL_SOCKET_IFNAME": "recipe"}})
    made = vllm_service(config, recipe, placement, "/m")
    assert made.command.env["NCCL_SOCKET_IFNAME"] == "mine"
    assert replace(made, cluster="x").mark == "x/h1/vllm-tiny"
