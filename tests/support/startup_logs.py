"""What vLLM printed at starts that other people made public, and the recipe of each."""

from dataclasses import dataclass, field
from typing import Any

from orchestrator.capacity.engine_args import GpuModel, serving_of
from orchestrator.capacity.fit import Fit, GpuMemory, judge
from orchestrator.capacity.weights import Split
from orchestrator.models.sizes import model_of
from tests.support.models import GIB, config, recipe

AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}
SPARK = (GpuModel("NVIDIA GB10", "12.1", unified=True), 121.69)
THOR = (GpuModel("NVIDIA Thor", "11.0", unified=True), 122.8)
RTX_3090 = (GpuModel("NVIDIA GeForce RTX 3090", "8.6"), 23.56)
RTX_5090 = (GpuModel("NVIDIA GeForce RTX 5090", "12.0"), 31.36)
L40S = (GpuModel("NVIDIA L40S", "8.9"), 44.4)
A100 = (GpuModel("NVIDIA A100-SXM4-80GB", "8.0"), 79.25)
H100 = (GpuModel("NVIDIA H100 80GB HBM3", "9.0"), 79.1)
H200 = (GpuModel("NVIDIA H200", "9.0"), 139.81)


@dataclass(frozen=True)
class StartupLog:
    """GiB of weights on a rank, GiB of KV cache and the tokens that it held; None where the log
    does not say it. `known` is false where vLLM's own rule for it is not."""

    source: str
    config: dict[str, Any]
    gpu: tuple[GpuModel, float]
    args: dict[str, Any] = field(default_factory=dict)
    split: Split = Split(1)  # noqa: RUF009 (frozen)
    weights: float | None = None
    room: float | None = None
    tokens: int | None = None
    known: bool = True

    def __str__(self) -> str:
        return self.source


def quantised(name: str, how: dict[str, Any]) -> dict[str, Any]:
    return {**config(name), "quantization_config": how}


def mixed(layers: int, eight: tuple[str, ...], four: tuple[str, ...]) -> dict[str, Any]:
    """ModelOpt's list of each module: FP8 for some, NVFP4 for others and the output."""
    named = {"lm_head": {"quant_algo": "W4A16_NVFP4"}}
    for number in range(layers):
        prefix = f"model.language_model.layers.{number}."
        named |= {prefix + each: {"quant_algo": "FP8"} for each in eight}
        named |= {prefix + each: {"quant_algo": "W4A16_NVFP4"} for each in four}
    return {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": named,
        "ignore": ["mtp*", "mtp.layers.0*"],
        "kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"},
    }


EIGHT = tuple(f"linear_attn.{each}" for each in ("in_proj_qkv", "in_proj_z", "out_proj")) + tuple(
    f"self_attn.{each}_proj" for each in "qkvo"
)
EXPERTS = ("mlp.experts", *(f"mlp.shared_expert.{each}_proj" for each in ("gate", "up", "down")))
NVFP4_35B = quantised("qwen3.5-35b-a3b", mixed(40, EIGHT, EXPERTS))
LOGS = (
    StartupLog(
        "vllm#10517, Llama-3.1-8B",
        config("llama-3.1-8b-instruct"),
        RTX_3090,
        {"max_model_len": 20000, "gpu_memory_utilization": 0.9},
        weights=14.99,
        room=3.81,
        tokens=31_232,
    ),
    StartupLog(
        "eugr/spark-vllm-docker#396, MiniMax-M2.7-AWQ",
        quantised("minimax-m2.7", AWQ),
        SPARK,
        {"gpu_memory_utilization": 0.85},
        Split(2),
        room=28.74,
        tokens=240_816,
    ),
    StartupLog(
        "a public log, Qwen3.5-9B without prefix caching",
        config("qwen3.5-9b"),
        L40S,
        {"max_model_len": 262144, "enable_prefix_caching": False},
        weights=17.66,
        room=20.27,
        tokens=int(2.52 * 262144),
    ),
    StartupLog("a public log, Qwen3.5-35B-A3B", config("qwen3.5-35b-a3b"), H100, weights=64.69),
    StartupLog(
        "a public log, Qwen3.8-27B-AWQ, FP8 cache",
        quantised("qwen3.5-27b", AWQ),
        RTX_5090,
        {"max_model_len": 262144, "kv_cache_dtype": "fp8_e5m2"},
        Split(2),
        room=8.91,
        tokens=560_445,
    ),
    StartupLog(
        "noonghunna/club-3090#612, Qwen3.6-35B-A3B-NVFP4",
        NVFP4_35B,
        RTX_5090,
        {"max_model_len": 131072, "kv_cache_dtype": "fp8"},
        room=5.98,
        tokens=567_978,
    ),
    StartupLog(
        "a public log, Qwen3.6-35B-A3B-NVFP4 with two draft tokens",
        NVFP4_35B,
        SPARK,
        {
            "gpu_memory_utilization": 0.85,
            "max_model_len": 262144,
            "max_num_seqs": 5,
            "max_num_batched_tokens": 8192,
            "speculative_config": {"method": "mtp", "num_speculative_tokens": 2},
        },
        weights=21.93,
        room=73.13,
        tokens=6_312_658,
    ),
    StartupLog(
        "a public log, GLM-5.1-FP8",
        config("glm-5.1-fp8"),
        H200,
        {"max_model_len": 202752, "enforce_eager": True},
        Split(8),
        weights=89.39,
        room=34.86,
        tokens=373_696,
    ),
    StartupLog(  # of a vLLM that kept one step of 2048 tokens in flight; 0.32 keeps two
        "a public log, gemma-4-26B-A4B",
        config("gemma-4-26b-a4b"),
        THOR,
        {"max_model_len": 131072, "kv_cache_dtype": "fp8", "async_scheduling": False},
        weights=48.5,
        room=51.62,
        tokens=4_380_426,
    ),
    StartupLog(
        "vllm#43308, gemma-4-31B AWQ",
        quantised("gemma-4-31b-it", AWQ),
        A100,
        {"max_model_len": 262144, "gpu_memory_utilization": 0.9},
        room=50e9 / GIB,
        tokens=525_000,
    ),
    StartupLog(
        "vllm#23278, gpt-oss-120b",
        config("gpt-oss-120b"),
        H100,
        {"gpu_memory_utilization": 0.9},
        weights=65.97,
    ),
    StartupLog(
        "vllm#28228, Kimi-Linear-48B-A3B AWQ",
        quantised("kimi-linear-48b-a3b", AWQ),
        RTX_3090,
        {"max_model_len": 120000},
        Split(2),
        room=2.30,
        tokens=int(2.48 * 120000),
    ),
    StartupLog(  # a build that packs this model's cache in a way that vLLM does not have
        "a public log, DeepSeek-V4-Flash",
        config("deepseek-v4-flash"),
        SPARK,
        {"max_model_len": 1048576, "kv_cache_dtype": "nvfp4_ds_mla"},
        Split(2),
        room=18.08,
        tokens=2_493_464,
        known=False,
    ),
)


def judged_log(log: StartupLog, **changes: Any) -> Fit:
    """As `plan` computes it, from config.json alone."""
    gpu, gib = log.gpu
    wanted = recipe({**log.args, **changes})
    model = model_of(wanted, {"config": log.config, "tensors": []}, "a test")
    total = int(gib * GIB)
    serving = serving_of(wanted, model.architecture, total, log.split.ranks, gpu)
    return judge(model, log.split, serving, GpuMemory(total, None, log.split.ranks > 1, gpu))
