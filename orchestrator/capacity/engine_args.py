"""The arguments of vLLM that decide about memory, with vLLM's own defaults; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.units import GIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.cache_types import CacheType, cache_type
from orchestrator.capacity.compressed_pages import LAYOUTS
from orchestrator.capacity.option_values import AUTO, fraction, table_option, whole_number
from orchestrator.capacity.padding import ExpertKernel, expert_kernel
from orchestrator.capacity.speculation import Speculation, speculation_of
from orchestrator.capacity.weights import model_bytes
from orchestrator.recipes.layer import Value
from orchestrator.recipes.recipe import Recipe

DEFAULT_UTILIZATION = 0.92  # vLLM's (config/cache.py)
# vLLM's get_batch_defaults for a server: (memory of a GPU from, tokens a step, requests at once)
BATCHES = ((160 * GIB, 16384, 1024), (70 * GIB, 8192, 1024), (0, 2048, 256))
SMALL_BATCH = BATCHES[-1][1:]  # also of an A100, and where the driver does not tell the memory
MOST_DIGITS = 9  # of a sane number of GiB
CPU_BATCH, CPU_SEQS = 2048, 128  # times the ranks
MOST_OFFLOAD = 1 << 20  # GiB
UNKNOWN_LENGTH = 8192  # where config.json says nothing of positions


@dataclass(frozen=True)
class GpuModel:
    """The driver's name, the compute capability, and whether its memory is the host's."""

    name: str = ""
    capability: str = ""
    unified: bool = False


@dataclass(frozen=True)
class Serving:
    """Sizes in tokens, requests and bytes; `cpu_space` is bytes of KV cache a rank, or 0;
    `state_bytes`: of an element of a layer's convolution and of its recurrent state;
    `ahead`: the next step is scheduled while one computes; `offload`: bytes of host memory,
    all ranks together."""

    max_model_len: int
    automatic_length: bool
    longer_allowed: bool
    utilization: float
    seqs: int
    batched: int
    ahead: bool
    eager: bool
    weight_dtype: int
    cache: CacheType
    state_bytes: tuple[int, int]
    block: int
    speculation: Speculation
    kernel: ExpertKernel
    online_fp8: bool
    expert: bool
    prefix: bool
    images: bool
    kv_bytes: int
    offload: int
    cpu_space: int
    unified: bool = False
    guesses: tuple[str, ...] = ()


def serving_of(
    recipe: Recipe,
    arch: Architecture,
    gpu_memory: int,
    ranks: int,
    gpu: GpuModel = GpuModel(),
) -> Serving:
    """`gpu_memory`: bytes of one GPU, 0 on a machine that computes on its CPU. Raises ConfigError
    for a value that vLLM cannot read."""
    args, cpu = recipe.args, not gpu_memory
    weight_dtype = auto_dtype_bytes(str(args.get("dtype", "auto")), arch)
    tokens, seqs = batch_defaults(gpu_memory, ranks, gpu)
    length = whole_number(args, "max_model_len", arch.positions or UNKNOWN_LENGTH)
    cache = cache_type(resolved_cache(args, arch), weight_dtype)
    drafts = speculation_of(table_option(args, "speculative_config"), arch)
    kernel = expert_kernel(str(args.get("moe_backend", "auto")), gpu.capability)
    return Serving(
        max_model_len=length if length != AUTO else arch.positions or UNKNOWN_LENGTH,
        automatic_length=length == AUTO,
        longer_allowed=recipe.env.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "0") not in ("", "0"),
        seqs=whole_number(args, "max_num_seqs", seqs),
        batched=whole_number(args, "max_num_batched_tokens", tokens),
        ahead=args.get("async_scheduling") is not False and drafts.in_step,
        eager=cpu or args.get("enforce_eager") is True,
        weight_dtype=weight_dtype,
        cache=cache,
        state_bytes=state_sizes(args, arch, weight_dtype),
        block=whole_number(args, "block_size", 0),
        speculation=drafts,
        kernel=kernel,
        online_fp8=args.get("quantization") == "fp8" and not arch.quantization,
        expert=args.get("enable_expert_parallel") is True,
        prefix=args.get("enable_prefix_caching") is not False,
        images=arch.vision is not None and not only_language(args),
        unified=gpu.unified,
        guesses=tuple(serving_guesses(arch, cache, drafts)),
        **told_memory(recipe, cpu=cpu),
    )


def told_memory(recipe: Recipe, *, cpu: bool) -> dict[str, Any]:
    """What the arguments say of memory itself."""
    args = recipe.args
    return {
        "utilization": fraction(args, "gpu_memory_utilization", DEFAULT_UTILIZATION),
        "kv_bytes": whole_number(args, "kv_cache_memory_bytes", 0),
        "offload": int(fraction(args, "kv_offloading_size", 0.0, MOST_OFFLOAD) * GIB),
        "cpu_space": cpu_space(recipe) if cpu else 0,
    }


def auto_dtype_bytes(dtype: str, arch: Architecture) -> int:
    """vLLM turns a float32 checkpoint into bfloat16 unless told otherwise."""
    if dtype != "auto":
        return model_bytes(dtype)
    return min(2, model_bytes(arch.dtype))


def batch_defaults(gpu_memory: int, ranks: int, gpu: GpuModel) -> tuple[int, int]:
    """(tokens a step, requests at once). On unified memory the driver refuses to tell its size,
    and vLLM takes the least."""
    if not gpu_memory:
        return CPU_BATCH * ranks, CPU_SEQS * ranks
    if gpu.unified or "a100" in gpu.name.lower():
        return SMALL_BATCH[0], SMALL_BATCH[1]
    return next((tokens, seqs) for least, tokens, seqs in BATCHES if gpu_memory >= least)


def resolved_cache(args: Mapping[str, Value], arch: Architecture) -> str:
    """The option, else what the checkpoint's quantisation says, else auto."""
    told = str(args.get("kv_cache_dtype", "auto"))
    return arch.quant.kv_cache or "auto" if told == "auto" else told


def state_sizes(
    args: Mapping[str, Value], arch: Architecture, weight_dtype: int
) -> tuple[int, int]:
    told = str(args.get("mamba_cache_dtype", "auto"))
    conv = weight_dtype if told == "auto" else model_bytes(told)
    told = str(args.get("mamba_ssm_cache_dtype", "auto"))
    told = arch.state_dtype if told == "auto" else told
    return conv, model_bytes(told) if told else conv


def serving_guesses(arch: Architecture, cache: CacheType, drafts: Speculation) -> list[str]:
    """What of the arguments cannot be sized."""
    found = [drafts.guess] if drafts.guess else []
    other = "compressed" in arch.layers and cache.name not in LAYOUTS
    if not cache.known or other:
        found.append(f"kv_cache_dtype {cache.name} is not known for this model: the KV cache")
    return found


def only_language(args: Mapping[str, Value]) -> bool:
    limits = args.get("limit_mm_per_prompt")
    none = isinstance(limits, Mapping) and bool(limits) and not any(limits.values())
    return none or args.get("language_model_only") is True


def cpu_space(recipe: Recipe) -> int:
    """VLLM_CPU_KVCACHE_SPACE is whole GiB for each rank."""
    text = recipe.env.get("VLLM_CPU_KVCACHE_SPACE", "")
    whole = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) * GIB if whole and int(text) else 4 * GIB
