"""Where the ranks go, or why there is no room, with the numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cluster.errors import PreflightError
from cluster.facts.hosts import HostFacts
from orchestrator.capacity.architecture import read_architecture
from orchestrator.capacity.engine_args import cpu_space
from orchestrator.capacity.placement import Placement, fit_of, place_model, smaller_split
from orchestrator.capacity.tensors import parse_tensors
from orchestrator.recipes.recipe import Recipe
from tests.support.factory import config_of, eight_gpus, entry, gb10, host_facts, model

FOUR = config_of(*(entry(number) for number in (1, 2, 3, 4))).node
HEADS = {"num_attention_heads": 64, "num_key_value_heads": 4}


def recipe(spread: str = "fit", **args: Any) -> Recipe:
    fields = {"name": "m", "description": "d", "model": "m/m", "served_name": "m"}
    return Recipe.model_validate({**fields, "spread": spread, "args": args})


def singles(count: int) -> list[HostFacts]:
    return [host_facts(node) for node in FOUR[:count]]


def placed(
    wanted: Recipe,
    gib: float,
    hosts: Sequence[HostFacts],
    used: Mapping[str, int] | None = None,
    config: Mapping[str, Any] = HEADS,
) -> Placement:
    return place_model(wanted, model(gib, config), hosts, used or {})


@pytest.mark.parametrize(
    ("gib", "hosts", "expected"),
    [
        (60, singles(2), "tensor parallel 1 on h1"),
        (180, singles(2), "tensor parallel 2 on h1, h2"),
        (300, singles(4), "tensor parallel 4 on h1, h2, h3, h4"),
        (180, [eight_gpus(FOUR[0])], "tensor parallel 2 on h1"),
        (480, [eight_gpus(node) for node in FOUR[:2]], "tensor parallel 4 on h1"),
        (
            1200,
            [eight_gpus(node) for node in FOUR[:2]],
            "tensor parallel 8, pipeline parallel 2 on h1, h2",
        ),
    ],
)
def test_fewest_gpus_and_one_host_if_possible(
    gib: float, hosts: list[HostFacts], expected: str
) -> None:
    found = placed(recipe(), gib, hosts)
    assert str(found) == expected
    assert found.needs_ray == ("," in expected.rpartition(" on ")[2])


def test_a_size_between_powers_of_two_still_divides_the_heads() -> None:
    """300 GiB would fit three GPUs, but 64 heads do not divide by 3."""
    assert placed(recipe(), 300, singles(4)).tensor == 4


def test_the_room_follows_the_utilization() -> None:
    assert placed(recipe(), 90, singles(2)).tensor == 1
    assert placed(recipe(gpu_memory_utilization=0.5), 90, singles(2)).tensor == 2


def test_unified_memory_counts_the_hosts_memory() -> None:
    sparks = [host_facts(node, gpus=(gb10(),)) for node in FOUR[:2]]
    assert placed(recipe(gpu_memory_utilization=0.75), 116, sparks).tensor == 2


def test_a_recipe_may_fix_the_split() -> None:
    assert str(placed(recipe(tensor_parallel_size=2), 1, singles(3))) == (
        "tensor parallel 2 on h1, h2"
    )
    both = recipe(tensor_parallel_size=2, pipeline_parallel_size=2)
    assert str(placed(both, 1, singles(4))) == (
        "tensor parallel 2, pipeline parallel 2 on h1, h2, h3, h4"
    )


def test_a_split_shrinks_as_far_as_the_recipe_allows() -> None:
    eight = recipe(tensor_parallel_size=8)
    least = eight.model_copy(update={"min_tensor_parallel": 4})
    assert placed(least, 1, [eight_gpus(FOUR[0])]).tensor == 8
    assert placed(least, 1, [eight_gpus(FOUR[0])], {"h1": 3}).tensor == 4, "5 do not divide 64"
    assert str(placed(least, 1, singles(4))) == "tensor parallel 4 on h1, h2, h3, h4"
    with pytest.raises(PreflightError, match="8 GPUs are wanted"):
        placed(least, 1, singles(3))
    with pytest.raises(PreflightError, match="8 GPUs are wanted"):
        placed(eight, 1, singles(4))


def test_the_head_comes_first_whatever_the_order() -> None:
    assert placed(recipe(), 60, list(reversed(singles(3)))).hosts[0].node.is_head


def test_spread_all_takes_every_gpu_that_the_heads_divide_over() -> None:
    assert str(placed(recipe("all"), 1, singles(2))) == "tensor parallel 2 on h1, h2"
    assert placed(recipe("all"), 1, singles(3)).ranks == 2
    assert placed(recipe("all"), 1, [eight_gpus(FOUR[0])]).tensor == 8


def test_gpus_of_another_model_are_left_alone() -> None:
    assert str(placed(recipe(), 60, singles(2), {"h1": 1})) == "tensor parallel 1 on h2"
    with pytest.raises(PreflightError) as caught:
        placed(recipe(tensor_parallel_size=2), 180, singles(2), {"h1": 1})
    assert str(caught.value) == (
        "placement: 2 GPUs are wanted, but there are: h1 0 of 1 free, h2 1 of 1 free\n"
        "  hint: another model has them: orchestrate status, then orchestrate teardown"
    )


def test_what_fits_nowhere_is_placed_on_all_that_there_is_so_that_it_can_be_judged() -> None:
    wanted, hosts = recipe(), singles(2)
    placement = placed(wanted, 480, hosts)
    assert placement.tensor == 2
    fit = fit_of(wanted, model(480, HEADS), placement, ask_free=True)
    assert fit.problems[0].startswith("240.0 GiB of weights and ")
    assert "leave nothing of the 128.3 GiB that vLLM may use" in fit.problems[0]


def test_too_few_gpus_for_a_fixed_split() -> None:
    with pytest.raises(PreflightError, match=r"8 GPUs are wanted.*h1 1 of 1 free") as caught:
        placed(recipe(tensor_parallel_size=8), 1, singles(2))
    assert "set `gpus` in nodes.toml" in str(caught.value)


def test_heads_that_do_not_divide() -> None:
    with pytest.raises(PreflightError) as caught:
        placed(recipe(tensor_parallel_size=3), 1, singles(3))
    assert "64 attention heads cannot be split over 3 ranks" in str(caught.value)
    assert "--set tensor_parallel_size=N" in str(caught.value)


def test_heads_of_a_vision_model_lie_deeper() -> None:
    with pytest.raises(PreflightError, match="10 attention heads"):
        placed(
            recipe(tensor_parallel_size=4),
            1,
            singles(4),
            config={"text_config": {"num_attention_heads": 10, "head_dim": 64}},
        )


def test_without_any_gpu_one_process_on_the_head_is_enough() -> None:
    bare = [host_facts(node, gpus=()) for node in FOUR[:2]]
    assert str(placed(recipe(), 1, bare)) == "tensor parallel 1 on h1"
    with pytest.raises(PreflightError, match="2 GPUs are wanted"):
        placed(recipe(tensor_parallel_size=2), 1, bare)


def test_gpus_of_the_inventory_count_without_a_driver() -> None:
    nodes = config_of(entry(1, gpus=1), entry(2, gpus=1)).node
    hosts = [host_facts(node, gpus=()) for node in nodes]
    assert str(placed(recipe("all"), 1, hosts)) == "tensor parallel 2 on h1, h2"


def test_a_split_beyond_all_gpus_shrinks_without_counting_down_to_them() -> None:
    wanted = recipe(tensor_parallel_size=1 << 62).model_copy(update={"min_tensor_parallel": 1})
    assert smaller_split(wanted, read_architecture({}), 1 << 62, {"h1": 2}) == 2


@pytest.mark.parametrize("text", ["²", "9" * 5000, "-1", ""])
def test_a_cpu_space_that_is_no_number_is_the_default(text: str) -> None:
    assert (
        cpu_space(recipe().model_copy(update={"env": {"VLLM_CPU_KVCACHE_SPACE": text}})) == 4 << 30
    )


@pytest.mark.parametrize("size", [float("inf"), 1e30, "8", None, 1 << 70])
def test_a_tensor_of_an_impossible_size(size: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_tensors([["x", "F16", [size], 1]])


def test_three_hosts_hold_as_stages_what_the_heads_do_not_divide_over() -> None:
    layers = {**HEADS, "num_hidden_layers": 60, "hidden_size": 8192}
    assert str(placed(recipe(), 330, singles(3), config=layers)) == (
        "tensor parallel 1, pipeline parallel 3 on h1, h2, h3"
    )
    assert placed(recipe(), 330, singles(4), config=layers).tensor == 4, "heads, where they divide"


def test_engines_beside_each_other_each_take_their_gpus() -> None:
    eight = recipe(data_parallel_size=8)
    assert str(placed(eight, 1, [eight_gpus(FOUR[0])])) == (
        "tensor parallel 1, data parallel 8 on h1"
    )
    with pytest.raises(PreflightError, match="8 GPUs are wanted"):
        placed(eight, 1, singles(2))
    both = recipe(data_parallel_size=2, tensor_parallel_size=2)
    assert placed(both, 1, singles(4)).ranks == 4
