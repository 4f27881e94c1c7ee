"""What no amount of memory would change: splits and lengths that vLLM refuses, hosts that would
freeze; pure."""

from collections.abc import Iterator

from cluster.units import GIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import Serving
from orchestrator.capacity.weights import Split

MOST_OF_UNIFIED = 0.90  # above it a DGX Spark froze: the host has no memory of its own
HOST_NEEDS = 4 * GIB  # beside what vLLM takes and offloads


def refusals(
    arch: Architecture, split: Split, serving: Serving, total: int, host: int
) -> Iterator[str]:
    """`total`: bytes of a GPU; `host`: of the host's memory for each of its ranks, 0 if unknown."""
    yield from split_refusals(split, arch)
    if arch.positions and serving.max_model_len > arch.positions and not serving.longer_allowed:
        yield (
            f"max_model_len {serving.max_model_len} is more than the {arch.positions} positions "
            "that config.json gives the model, and vLLM refuses it"
        )
    if serving.unified and serving.utilization > MOST_OF_UNIFIED and not serving.kv_bytes:
        yield (
            f"gpu_memory_utilization {serving.utilization:g} is above {MOST_OF_UNIFIED:.2f} of "
            "memory that the host shares, which freezes it"
        )
    yield from offload_refusals(split, serving, total, host)


def offload_refusals(split: Split, serving: Serving, total: int, host: int) -> Iterator[str]:
    """The host memory that `kv_offloading_size` takes, in GiB for all tensor ranks together."""
    mine = serving.offload // max(1, split.tensor)
    if not mine or not host:
        return
    taken = int(total * serving.utilization) if serving.unified else 0
    if mine + taken + HOST_NEEDS > host:
        beside = f" beside the {taken / GIB:.1f} GiB that vLLM takes" if taken else ""
        yield (
            f"kv_offloading_size takes {mine / GIB:.1f} GiB of host memory for each GPU{beside}, "
            f"and there are {host / GIB:.1f} GiB"
        )


def split_refusals(split: Split, arch: Architecture) -> Iterator[str]:
    if arch.heads and arch.heads % split.tensor:
        yield f"{arch.heads} attention heads cannot be split over {split.tensor} ranks"
    if arch.kv_heads and not arch.latent and not divides(split.tensor, arch.kv_heads):
        yield f"{arch.kv_heads} KV heads cannot be split over {split.tensor} ranks"
    if split.pipeline > max(1, len(arch.layers)):
        yield f"{len(arch.layers)} layers cannot be split over {split.pipeline} stages"
    if arch.quantization == "fp8" and arch.block and arch.experts and not split.expert:
        width = arch.expert_width
        if width % split.tensor or (width // split.tensor) % arch.block:
            yield (
                f"experts of width {width} over {split.tensor} ranks are no multiple of FP8's "
                f"blocks of {arch.block}: enable_expert_parallel=true keeps them whole"
            )


def divides(ranks: int, heads: int) -> bool:
    """vLLM repeats KV heads when there are more ranks than heads."""
    return heads % ranks == 0 or (ranks > heads and ranks % heads == 0)
