"""The arguments of vLLM that decide about memory, with vLLM's own defaults; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.units import GIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.weights import model_bytes
from orchestrator.recipes.layer import Value
from orchestrator.recipes.recipe import Recipe

DEFAULT_UTILIZATION = 0.92  # vLLM's (config/cache.py)
# vLLM's get_batch_defaults for a server: (memory of a GPU from, tokens a step, requests at once)
BATCHES = ((160 * GIB, 16384, 1024), (70 * GIB, 8192, 1024), (0, 2048, 256))
CPU_BATCH, CPU_SEQS = 2048, 128  # times the ranks
ONE_BYTE_CACHES = ("fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla", "int8")


@dataclass(frozen=True)
class Serving:
    """Sizes in tokens, requests and bytes; `cpu_space` is bytes of KV cache a rank, or 0."""

    max_model_len: int
    utilization: float
    seqs: int
    batched: int
    eager: bool
    weight_dtype: int
    cache_element: int
    online_fp8: bool
    expert: bool
    prefix: bool
    images: bool
    kv_bytes: int
    cpu_space: int


def serving_of(recipe: Recipe, arch: Architecture, gpu_memory: int, ranks: int) -> Serving:
    """`gpu_memory`: bytes of one GPU, 0 on a machine that computes on its CPU."""
    args = recipe.args
    dtype = str(args.get("dtype", "auto"))
    weight_dtype = model_bytes(arch.dtype if dtype == "auto" else dtype)
    if dtype == "auto" and weight_dtype == 4:
        weight_dtype = 2  # vLLM turns a float32 checkpoint into bfloat16 unless told otherwise
    cpu = not gpu_memory
    tokens, seqs = batch_defaults(gpu_memory, ranks)
    cache = str(args.get("kv_cache_dtype", "auto"))
    return Serving(
        max_model_len=int_argument(args, "max_model_len", arch.positions or 8192),
        utilization=utilization(args),
        seqs=int_argument(args, "max_num_seqs", seqs),
        batched=int_argument(args, "max_num_batched_tokens", tokens),
        eager=cpu or args.get("enforce_eager") is True,
        weight_dtype=weight_dtype,
        cache_element=1 if cache in ONE_BYTE_CACHES else weight_dtype,
        online_fp8=args.get("quantization") == "fp8" and not arch.quantization,
        expert=args.get("enable_expert_parallel") is True,
        prefix=args.get("enable_prefix_caching") is not False,
        images=arch.vision is not None and not only_language(args),
        kv_bytes=int_argument(args, "kv_cache_memory_bytes", 0),
        cpu_space=cpu_space(recipe) if cpu else 0,
    )


def batch_defaults(gpu_memory: int, ranks: int) -> tuple[int, int]:
    if not gpu_memory:
        return CPU_BATCH * ranks, CPU_SEQS * ranks
    return next((tokens, seqs) for least, tokens, seqs in BATCHES if gpu_memory >= least)


def int_argument(args: Mapping[str, Value], key: str, default: int) -> int:
    value = args.get(key)
    return (
        value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
    )


def utilization(args: Mapping[str, Value]) -> float:
    value = args.get("gpu_memory_utilization")
    sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
    return float(value) if sane and isinstance(value, int | float) else DEFAULT_UTILIZATION


def only_language(args: Mapping[str, Value]) -> bool:
    limits = args.get("limit_mm_per_prompt")
    none = isinstance(limits, Mapping) and bool(limits) and not any(limits.values())
    return none or args.get("language_model_only") is True


def cpu_space(recipe: Recipe) -> int:
    """VLLM_CPU_KVCACHE_SPACE is whole GiB for each rank."""
    text = recipe.env.get("VLLM_CPU_KVCACHE_SPACE", "")
    return int(text) * GIB if text.isdigit() and int(text) else 4 * GIB
