"""The models of tests/captured/configs, and what vLLM has been seen to say of some."""

import json
from dataclasses import dataclass
from typing import Any

from orchestrator.capacity.architecture import read_architecture
from orchestrator.capacity.engine_args import serving_of
from orchestrator.capacity.fit import Fit, GpuMemory, Model, judge
from orchestrator.capacity.synthetic_tensors import known_tensors
from orchestrator.capacity.weights import Split
from orchestrator.host import make_tiny
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.recipe import Recipe
from tests.support.folders import CAPTURED

GIB = 1 << 30
CONFIGS = CAPTURED / "configs"
H200 = int((load_hardware()["h200"].memory_gib or 0) * GIB)
MIXTURE = {  # 3.9 B random weights: 24 layers, 32 experts
    **make_tiny.CONFIG,
    "hidden_size": 2048,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "head_dim": 128,
    "num_experts": 32,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}


@dataclass(frozen=True)
class Measured:
    """What vLLM 0.25.1 said on H200s: GiB of weights and of KV cache on a rank, and its tokens."""

    name: str
    config: dict[str, Any]
    split: Split
    args: dict[str, Any]
    across: bool
    weights: float
    room: float
    tokens: int


EIGHT = {"max_model_len": 8192, "gpu_memory_utilization": 0.5}
EAGER = {**EIGHT, "enforce_eager": True}
ONE, TWO, STAGES = Split(1), Split(2), Split(1, 2)
TINY_TWO = {"max_model_len": 2048, "gpu_memory_utilization": 0.3, "max_num_seqs": 8}
TINY_ONE = {**TINY_TWO, "gpu_memory_utilization": 0.2, "enforce_eager": True}
MEASURED = (
    Measured("one GPU, eager", MIXTURE, ONE, EAGER, False, 7.25, 61.69, 1_347_584),
    Measured("one GPU, graphs", MIXTURE, ONE, EIGHT, False, 7.25, 61.28, 1_338_704),
    Measured("TP 2, graphs, NVLink", MIXTURE, TWO, EIGHT, False, 3.63, 64.68, 2_825_872),
    Measured("TP 2, graphs, two hosts", MIXTURE, TWO, EIGHT, True, 3.63, 64.28, 2_808_368),
    Measured("TP 2, eager, two hosts", MIXTURE, TWO, EAGER, True, 3.63, 65.47, 2_860_560),
    Measured("PP 2, graphs, two hosts", MIXTURE, STAGES, EIGHT, True, 3.63, 65.1, 2_843_968),
    Measured("tiny, TP 2, graphs", make_tiny.CONFIG, TWO, TINY_TWO, False, 0.01, 41.24, 43_247_408),
    Measured(
        "tiny, one GPU, eager", make_tiny.CONFIG, ONE, TINY_ONE, False, 0.01, 27.65, 14_495_552
    ),
)


def config(name: str, layers: int | None = None) -> dict[str, Any]:
    """The first `layers` of a model: enough to measure one that no single GPU holds."""
    found: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text("utf-8"))
    sizes = found.get("text_config", found)
    if layers:
        sizes["num_hidden_layers"] = layers
    return found


def one_gpu(
    name: str, layers: int | None, found: tuple[float, float, int], **args: Any
) -> Measured:
    """`found`: weights, room, tokens, with weights that vLLM made up (`--load-format dummy`)."""
    label = f"{name}, {layers or 'all'} layers, {' '.join(map(str, args.values()))}"
    wanted = {"max_model_len": 8192, "enforce_eager": True, **args}
    return Measured(label, config(name, layers), Split(1), wanted, False, *found)


QWEN, NO_IMAGES = "qwen3-235b-a22b-instruct-2507", {"image": 0, "video": 0}
LARGE_STEP = {"max_num_batched_tokens": 16384}
DUMMY = (
    one_gpu("llama-3.1-8b-instruct", None, (15.0, 109.72, 898_784), gpu_memory_utilization=0.9),
    one_gpu(
        "llama-3.1-8b-instruct",
        None,
        (15.0, 108.87, 891_872),
        gpu_memory_utilization=0.9,
        **LARGE_STEP,
    ),
    one_gpu(
        "llama-3.1-8b-instruct",
        None,
        (15.04, 52.86, 866_096),
        gpu_memory_utilization=0.5,
        kv_cache_dtype="fp8",
        enforce_eager=False,
        **LARGE_STEP,
    ),
    one_gpu(
        "llama-3.1-8b-instruct",
        None,
        (15.0, 52.95, 433_776),
        gpu_memory_utilization=0.5,
        max_model_len=131072,
        max_num_seqs=4,
        **LARGE_STEP,
    ),
    one_gpu(
        QWEN + "-awq", 24, (31.31, 69.04, 1_508_192), gpu_memory_utilization=0.75, **LARGE_STEP
    ),
    one_gpu(
        QWEN,
        12,
        (57.99, 65.99, 2_883_152),
        gpu_memory_utilization=0.9,
        max_num_seqs=1,
        dtype="float16",
    ),
    one_gpu(
        "qwen3-coder-480b-a35b-instruct-fp8",
        8,
        (61.07, 53.78, 1_762_240),
        gpu_memory_utilization=0.85,
    ),
    one_gpu(
        "gpt-oss-20b",
        None,
        (13.02, 53.8, 1_174_181),
        gpu_memory_utilization=0.5,
        moe_backend="triton",  # what vLLM chose on Hopper with Triton's kernels installed
    ),
    one_gpu(
        "qwen3-vl-235b-a22b-thinking-fp8",
        12,
        (30.42, 93.5, 4_084_944),
        gpu_memory_utilization=0.9,
        max_model_len=32768,
        max_num_seqs=4,
        limit_mm_per_prompt=NO_IMAGES,
    ),
    one_gpu("deepseek-v3", 5, (26.76, 92.15, 17_177_312), gpu_memory_utilization=0.9),
    one_gpu(
        "gemma-3-27b-it",
        None,
        (50.74, 73.23, 136_881),
        gpu_memory_utilization=0.9,
        limit_mm_per_prompt=NO_IMAGES,
    ),
)


def model(raw: dict[str, Any]) -> Model:
    arch = read_architecture(raw)
    return Model("m/m", arch, known_tensors(arch), "config.json")


def recipe(args: dict[str, Any], env: dict[str, str] | None = None) -> Recipe:
    fields: dict[str, Any] = {"name": "m", "description": "d", "model": "m/m", "served_name": "m"}
    return Recipe(**fields, args=args, env=env or {})


def judged(raw: dict[str, Any], split: Split, args: dict[str, Any], *, across: bool = False) -> Fit:
    """On H200s that nobody else uses."""
    made = model(raw)
    serving = serving_of(recipe(args), made.architecture, H200, split.ranks)
    return judge(made, split, serving, GpuMemory(H200, None, across))
