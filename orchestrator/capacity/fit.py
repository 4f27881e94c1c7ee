"""Whether a model fits on a split, and how much context it leaves room for; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cluster.units import GIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import Serving
from orchestrator.capacity.kv_cache import KVCache, kv_cache
from orchestrator.capacity.overhead import Estimate, overheads, total
from orchestrator.capacity.tensors import Tensor
from orchestrator.capacity.weights import Alike, Split, Weights, grouped, rank_weights, stage_layers

CONTEXTS = (8192, 16384, 32768, 65536, 131072, 262144)


@dataclass(frozen=True)
class Model:
    """`source` says where the tensors are from; `guesses` what could not be known."""

    name: str
    architecture: Architecture
    tensors: tuple[Tensor, ...]
    source: str
    guesses: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> tuple[Alike, ...]:
        """Its tensors, those of all layers together."""
        return grouped(self.tensors)


@dataclass(frozen=True)
class GpuMemory:
    """Of the smallest GPU that is used, in bytes; 0 without GPUs. `free` is None where nobody
    asked. On unified memory both are the host's."""

    total: int
    free: int | None
    across: bool


@dataclass(frozen=True)
class Fit:
    """One split, judged; bytes of one rank by pipeline stage. `rooms` is left for the KV cache."""

    split: Split
    serving: Serving
    memory: GpuMemory
    weights: Weights
    overheads: tuple[tuple[Estimate, ...], ...]
    rooms: tuple[int, ...]
    blocks: int
    kv_tokens: int
    longest: int
    cache: KVCache
    stages: tuple[range, ...]
    problems: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return not self.problems

    @property
    def least(self) -> int:
        """The stage with the least room."""
        return min(range(len(self.rooms)), key=lambda stage: self.rooms[stage])

    @property
    def room(self) -> int:
        return self.rooms[self.least]

    @property
    def overhead(self) -> int:
        return total(self.overheads[self.least])

    @property
    def budget(self) -> int:
        """What vLLM may use of a GPU."""
        return int(self.memory.total * self.serving.utilization)

    def at_once(self, tokens: int) -> int:
        """Requests of this length that have room beside each other."""
        return max(0, self.blocks - 1) // max(1, self.cache.blocks_for(tokens))

    def kv_bytes(self, tokens: int) -> int:
        """KV cache that one request of this length needs on the fullest rank."""
        return max(self.cache.request_bytes(tokens, layers) for layers in self.stages)


def judge(model: Model, split: Split, serving: Serving, memory: GpuMemory) -> Fit:
    arch = model.architecture
    weights = rank_weights(
        model.kinds,
        arch,
        split,
        weight_dtype=serving.weight_dtype,
        online_fp8=serving.online_fp8,
    )
    stages = stage_layers(len(arch.layers), split.pipeline)
    cache = kv_cache(
        arch,
        split.tensor,
        element=serving.cache_element,
        state_element=serving.weight_dtype,
        batched=serving.batched,
        prefix=serving.prefix,
    )
    extra = tuple(
        overheads(arch, split, serving, len(layers), across=memory.across) for layers in stages
    )
    rooms = rooms_for_cache(serving, memory, weights, extra)
    blocks = cache.blocks_in(rooms, stages)
    length = serving.max_model_len
    fit = Fit(
        split=split,
        serving=serving,
        memory=memory,
        weights=weights,
        overheads=extra,
        rooms=rooms,
        blocks=blocks,
        kv_tokens=cache.tokens_in(blocks, length),
        longest=cache.longest(blocks, arch.positions or max(length, CONTEXTS[-1])),
        cache=cache,
        stages=stages,
        problems=(),
    )
    return with_problems(fit, arch)


def rooms_for_cache(
    serving: Serving, memory: GpuMemory, weights: Weights, extra: Sequence[Sequence[Estimate]]
) -> tuple[int, ...]:
    """vLLM's rule: its share of the memory without weights and overhead, unless told in bytes."""
    budget = int(memory.total * serving.utilization)
    told = serving.kv_bytes or serving.cpu_space
    pairs = zip(weights.stages, extra, strict=True)
    return tuple(told or budget - held - total(estimates) for held, estimates in pairs)


def with_problems(fit: Fit, arch: Architecture) -> Fit:
    found = [*split_problems(fit.split, arch), *memory_problems(fit)]
    return replace(fit, problems=tuple(found))


def memory_problems(fit: Fit) -> list[str]:
    """In the order in which vLLM would meet them."""
    free, serving = fit.memory.free, fit.serving
    known = any(fit.cache.block_bytes(layers) for layers in fit.stages)
    found = []
    wanted = fit.weights.most + fit.overhead + fit.room if serving.cpu_space else fit.budget
    if free is not None and free < wanted:
        found.append(f"{gib(free)} are free, and vLLM takes {gib(wanted)}")
    if fit.room <= 0:
        found.append(
            f"{gib(fit.weights.most)} of weights and {gib(fit.overhead)} "
            f"of overhead leave nothing of the {gib(fit.budget)} that vLLM may use "
            "for the KV cache"
        )
    elif known and fit.cache.blocks_for(serving.max_model_len) >= fit.blocks:
        found.append(
            f"one request of {serving.max_model_len} tokens needs "
            f"{gib(fit.kv_bytes(serving.max_model_len))} of KV cache, and there is room for "
            f"{gib(fit.room)}: {fit.longest} tokens"
        )
    return found


def split_problems(split: Split, arch: Architecture) -> list[str]:
    """What vLLM refuses whatever the memory."""
    found = []
    if arch.heads and arch.heads % split.tensor:
        found.append(f"{arch.heads} attention heads cannot be split over {split.tensor} ranks")
    if arch.kv_heads and not arch.latent and not divides(split.tensor, arch.kv_heads):
        found.append(f"{arch.kv_heads} KV heads cannot be split over {split.tensor} ranks")
    if split.pipeline > max(1, len(arch.layers)):
        found.append(f"{len(arch.layers)} layers cannot be split over {split.pipeline} stages")
    if arch.quantization == "fp8" and arch.block and arch.experts and not split.expert:
        width = arch.expert_width
        if width % split.tensor or (width // split.tensor) % arch.block:
            found.append(
                f"experts of width {width} over {split.tensor} ranks are no multiple of FP8's "
                f"blocks of {arch.block}: enable_expert_parallel=true keeps them whole"
            )
    return found


def divides(ranks: int, heads: int) -> bool:
    """vLLM repeats KV heads when there are more ranks than heads."""
    return heads % ranks == 0 or (ranks > heads and ranks % heads == 0)


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
