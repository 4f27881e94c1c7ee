"""Values as vLLM reads them, and what it refuses whatever the memory is."""

from typing import Any

import pytest

from cluster.errors import ConfigError
from orchestrator.capacity.engine_args import GpuModel, serving_of
from orchestrator.capacity.fit import Fit, GpuMemory, judge
from orchestrator.capacity.weights import Split
from orchestrator.models.sizes import model_of
from tests.support.models import GIB, H200, config, recipe

LLAMA = "llama-3.1-8b-instruct"
SPARK = GpuModel("NVIDIA GB10", "12.1", unified=True)
SHORT = {"max_model_len": 8192}


def fit(name: str = LLAMA, gpu: GpuModel = GpuModel(), host: int = 0, **args: Any) -> Fit:  # noqa: B008
    wanted = recipe({**SHORT, **args})
    model = model_of(wanted, {"config": config(name), "tensors": []}, "a test")
    size = int(121.69 * GIB) if gpu.unified else H200
    serving = serving_of(wanted, model.architecture, size, 1, gpu)
    split = Split(1, data=args.get("data_parallel_size", 1))
    return judge(model, split, serving, GpuMemory(size, None, False, gpu, host))


@pytest.mark.parametrize(
    ("text", "number"),
    [("5.6g", 5_600_000_000), ("5G", 5 << 30), ("8589934592", 8 << 30), (8 << 30, 8 << 30)],
)
def test_bytes_are_read_as_vllm_reads_them(text: Any, number: int) -> None:
    assert fit(kv_cache_memory_bytes=text).serving.kv_bytes == number


def test_lengths_are_read_as_vllm_reads_them() -> None:
    assert fit(max_model_len="8k").serving.max_model_len == 8000
    assert fit(max_model_len="8K").serving.max_model_len == 8192
    assert fit(max_num_batched_tokens="25.6k").serving.batched == 25_600
    assert fit(max_num_seqs="64").serving.seqs == 64


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("kv_cache_memory_bytes", "plenty"),
        ("kv_cache_memory_bytes", "auto"),
        ("kv_cache_memory_bytes", "5.6G"),
        ("max_num_seqs", "1k"),
        ("max_model_len", 0),
        ("gpu_memory_utilization", "most"),
        ("gpu_memory_utilization", 1.5),
        ("speculative_config", "{"),
    ],
)
def test_what_vllm_cannot_read_is_refused_by_name(key: str, text: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        fit(**{key: text})
    assert f"args.{key}" in str(caught.value)
    assert caught.value.problems[0].hint


@pytest.mark.parametrize("text", ["auto", "-1", -1])
def test_an_automatic_length_is_what_there_is_room_for(text: Any) -> None:
    found = fit(max_model_len=text, kv_cache_memory_bytes=1 << 30)
    assert found.serving.max_model_len == found.longest == 8176
    assert found.verdict == "fits"
    assert fit(max_model_len=text).serving.max_model_len == 131072, "all that the model knows"


def test_more_positions_than_the_model_has_are_refused() -> None:
    found = fit(max_model_len=262144)
    assert found.verdict == "does not fit"
    assert "is more than the 131072 positions" in found.problems[0]
    yarn = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}
    yarn["rope_scaling"]["original_max_position_embeddings"] = 65536
    assert fit(max_model_len=262144, hf_overrides=yarn).fits
    longer = {"max_position_embeddings": 262144}
    assert fit(max_model_len=262144, hf_overrides=longer).fits


def test_unified_memory_is_not_given_away_above_nine_tenths() -> None:
    found = fit(gpu=SPARK, gpu_memory_utilization=0.97)
    assert found.verdict == "does not fit"
    assert "gpu_memory_utilization 0.97 is above 0.90" in found.problems[0]
    assert fit(gpu_memory_utilization=0.97).fits, "a GPU with memory of its own"
    assert fit(gpu=SPARK, gpu_memory_utilization=0.9).fits


def test_offloaded_keys_and_values_take_host_memory() -> None:
    assert fit(host=24 * GIB, kv_offloading_size=200).verdict == "does not fit"
    assert fit(host=256 * GIB, kv_offloading_size=200).fits
    shared = fit(gpu=SPARK, host=121 * GIB, kv_offloading_size=32, gpu_memory_utilization=0.85)
    assert "beside the 103.4 GiB that vLLM takes" in shared.problems[0]


def test_no_more_run_at_once_than_are_let_in() -> None:
    assert fit(max_num_seqs=1).at_once(8192) == 1
    assert fit(max_num_seqs=1, data_parallel_size=4).at_once(8192) == 4


def test_a_checkpoint_says_how_its_cache_is_stored() -> None:
    scheme = {"dynamic": False, "num_bits": 8, "type": "float"}
    told = {"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_scheme": scheme}
    found = fit(hf_overrides={"quantization_config": told})
    assert found.serving.cache.bits == 8
    assert (
        fit(
            hf_overrides={"quantization_config": told}, kv_cache_dtype="bfloat16"
        ).serving.cache.bits
        == 16
    )


def test_a_draft_model_that_is_not_counted_is_a_guess() -> None:
    found = fit(
        speculative_config={"method": "eagle3", "model": "a/b", "num_speculative_tokens": 3}
    )
    assert found.verdict == "may fit"
    assert found.guesses == ("the draft model a/b of speculative_config is not counted",)
