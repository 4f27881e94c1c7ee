"""What it costs to judge a split, counted in calls: a config.json may name thousands of layers."""

import sys
from types import FrameType
from typing import Any

import pytest

from orchestrator.capacity.engine_args import serving_of
from orchestrator.capacity.fit import GpuMemory, judge
from orchestrator.capacity.weights import Split
from tests.support.models import H200, config, model, recipe

NAME = "qwen3-next-80b-a3b-instruct-fp8"
MEMORY = GpuMemory(H200, None, across=False)


def calls_to_judge(layers: int, kinds: list[str], split: Split) -> int:
    """Of a model whose tensors have been looked at once already."""
    made = model({**config(NAME), "num_hidden_layers": layers, "layer_types": kinds})
    serving = serving_of(recipe({}), made.architecture, H200, split.ranks)
    judge(made, split, serving, MEMORY)
    count = 0

    def counts(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event.endswith("call")

    before = sys.getprofile()
    sys.setprofile(counts)
    try:
        judge(made, split, serving, MEMORY)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("split", [Split(1), Split(2, 4)])
@pytest.mark.parametrize("rare", [[], ["linear_attention"]])
def test_the_second_look_at_a_model_costs_a_few_steps_a_layer(
    split: Split, rare: list[str]
) -> None:
    """With one rare layer each of the others is a group of the KV cache of its own."""
    few, many = (calls_to_judge(n, [*rare, *["full_attention"] * n][:n], split) for n in (64, 4096))
    assert many - few < 48 * 4096
