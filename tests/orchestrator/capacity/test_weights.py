"""Bytes of weights on a rank: what is split, what every rank has, what is not loaded."""

import pytest

from orchestrator.capacity.architecture import read_architecture
from orchestrator.capacity.synthetic_tensors import known_tensors
from orchestrator.capacity.tensors import Tensor
from orchestrator.capacity.weights import (
    Split,
    grouped,
    layers_in,
    numbers_by_stage,
    rank_weights,
    share,
    stage_layers,
)
from tests.support.models import config

GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [  # the sizes that the recipes and their publishers give
        ("qwen3-235b-a22b-instruct-2507", 470),
        ("qwen3-235b-a22b-instruct-2507-awq", 124),
        ("qwen3-vl-235b-a22b-thinking-fp8", 237),
        ("qwen3-next-80b-a3b-instruct-fp8", 80.5),
        ("qwen3-coder-480b-a35b-instruct-fp8", 482),
        ("llama-3.1-8b-instruct", 16.06),
        ("deepseek-v3", 673),
        ("gemma-3-27b-it", 54.8),
        ("gpt-oss-20b", 13.75),
    ],
)
def test_the_whole_model_from_its_config(name: str, gigabytes: float) -> None:
    tensors = known_tensors(read_architecture(config(name)))
    assert sum(each.bytes for each in tensors) / 1e9 == pytest.approx(gigabytes, rel=0.01)


def held(name: str, split: Split) -> float:
    arch = read_architecture(config(name))
    found = rank_weights(
        grouped(known_tensors(arch)), arch, split, weight_dtype=2, online_fp8=False
    )
    return found.most / GIB


def test_ranks_hold_more_than_their_part_for_what_is_repeated() -> None:
    name = "qwen3-235b-a22b-instruct-2507"
    whole = held(name, Split(1))
    assert whole / 8 < held(name, Split(8)) < whole / 8 * 1.005
    assert held(name, Split(8, expert=True)) == held(name, Split(8))


def test_an_expert_that_is_left_over_costs_its_rank() -> None:
    arch = read_architecture(config("qwen3-coder-480b-a35b-instruct-fp8"))
    expert = Tensor("model.layers.0.mlp.experts.*.up_proj.weight", "F8_E4M3", (2560, 6144), 160)
    assert share(expert, arch, Split(3, expert=True)) == 54 / 160
    assert share(expert, arch, Split(3)) == 1 / 3


@pytest.mark.parametrize(
    ("name", "shape", "ranks", "part"),
    [
        ("model.layers.1.self_attn.q_proj.weight", (8192, 4096), 8, 1 / 8),
        ("model.layers.1.self_attn.k_proj.weight", (512, 4096), 8, 1 / 4),
        ("model.layers.1.self_attn.k_proj.qweight", (512, 512), 2, 1 / 2),
        ("model.layers.1.mlp.gate.weight", (128, 4096), 8, 1),
        ("model.layers.1.input_layernorm.weight", (4096,), 8, 1),
        ("model.layers.1.self_attn.q_proj.bias", (8192,), 8, 1 / 8),
        ("model.layers.1.self_attn.o_proj.bias", (4096,), 8, 1),
        ("model.layers.1.self_attn.kv_a_proj_with_mqa.weight", (576, 7168), 8, 1),
        ("model.layers.1.mlp.down_proj.input_scale", (), 8, 1),
        ("model.embed_tokens.weight", (1000, 64), 2, 1024 / 1000 / 2),
        ("visual.blocks.1.attn.qkv.weight", (3456, 1152), 8, 1 / 8),
        ("visual.patch_embed.proj.weight", (1152, 3, 2, 16, 16), 8, 1),
    ],
)
def test_each_tensor_is_split_as_vllm_splits_it(
    name: str, shape: tuple[int, ...], ranks: int, part: float
) -> None:
    model = read_architecture(config("qwen3-235b-a22b-instruct-2507"))
    assert share(Tensor(name, "BF16", shape), model, Split(ranks)) == pytest.approx(part)


def test_layers_are_dealt_to_stages_as_vllm_does() -> None:
    assert [len(stage) for stage in stage_layers(94, 4)] == [23, 24, 24, 23]
    assert [len(stage) for stage in stage_layers(61, 2)] == [31, 30]
    assert stage_layers(3, 1) == (range(3),)


def test_ends_of_a_pipeline_and_what_is_not_loaded() -> None:
    arch, stages = read_architecture(config("deepseek-v3")), stage_layers(61, 2)

    def where(name: str) -> list[int]:
        [alike] = grouped([Tensor(name, "BF16", (8, 8))])
        return [stage for stage, _ in numbers_by_stage(alike, arch, stages, drafts=False)]

    assert where("model.embed_tokens.weight") == [0]
    assert where("lm_head.weight") == [1]
    assert where("model.layers.30.mlp.up_proj.weight") == [0]
    assert where("model.layers.31.mlp.up_proj.weight") == [1]
    assert where("model.layers.61.eh_proj.weight") == [], "multi-token prediction"
    assert where("mtp.layers.0.mlp.gate.weight") == []


def test_a_wider_or_narrower_dtype_than_the_checkpoints() -> None:
    arch = read_architecture(config("llama-3.1-8b-instruct"))
    tensors = grouped(known_tensors(arch))

    def size(weight_dtype: int, *, online: bool = False) -> float:
        return rank_weights(
            tensors, arch, Split(1), weight_dtype=weight_dtype, online_fp8=online
        ).most

    assert size(4) == 2 * size(2)
    assert size(2, online=True) == pytest.approx(9.1e9, rel=0.01), "layers in FP8, vocabulary not"


@pytest.mark.parametrize("name", ["deepseek-v3", "qwen3-vl-235b-a22b-thinking-fp8", "gpt-oss-20b"])
@pytest.mark.parametrize("split", [Split(1), Split(2, 3, expert=True), Split(1, 5)])
def test_tensors_that_are_counted_together_weigh_what_each_weighs(name: str, split: Split) -> None:
    arch = read_architecture(config(name))
    tensors = [
        *known_tensors(arch),
        Tensor("model.layers.61.embed_tokens.weight", "BF16", (8, 8)),  # of multi-token prediction
        Tensor("model.layers.61.eh_proj.weight", "BF16", (8, 8)),
        Tensor("mtp.layers.0.mlp.gate.weight", "BF16", (8, 8)),
    ]
    together = grouped(tensors)
    each = [alike for tensor in tensors for alike in grouped([tensor])]
    assert sum(len(alike.layers) for alike in together) == len(tensors) > 9 * len(together)
    weigh = [
        rank_weights(parts, arch, split, weight_dtype=2, online_fp8=False)
        for parts in (together, each)
    ]
    assert weigh[0] == weigh[1]


def test_where_no_config_says_how_many_layers_there_are_the_tensors_do() -> None:
    names = ["model.layers.7.mlp.gate.weight", "visual.blocks.90.attn.qkv.weight", "lm_head.weight"]
    assert layers_in(grouped(Tensor(name, "BF16", (8, 8)) for name in names)) == 8
