"""Whether a model fits on a split, and how much context it leaves room for; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cluster.units import GIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import GpuModel, Serving
from orchestrator.capacity.kv_cache import KVCache
from orchestrator.capacity.overhead import UNIFIED_SPREAD, Estimate, overheads, total
from orchestrator.capacity.padding import is_padded, padded_experts
from orchestrator.capacity.refusals import refusals
from orchestrator.capacity.served_cache import cache_of
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
    asked. On unified memory both are the host's. `host` is the least host's memory, for `ranks`
    of its GPUs."""

    total: int
    free: int | None
    across: bool
    gpu: GpuModel = GpuModel()  # noqa: RUF009 (frozen)
    host: int = 0
    ranks: int = 1


@dataclass(frozen=True)
class Fit:
    """One split, judged; bytes of one rank by pipeline stage. `rooms` is left for the KV cache.
    `refused` is what no memory would change, `short` what there is too little memory for, and
    `short_at_worst` the same where the overhead is as large as it may be."""

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
    guesses: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    short_at_best: bool = False
    short_at_worst: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        return (*self.refused, *self.short)

    @property
    def fits(self) -> bool:
        """As it was computed, whatever is a guess of it."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """Firm only where nothing of it is a guess."""
        if self.refused or (self.short_at_best and not self.guesses):
            return "does not fit"
        return "may fit" if self.guesses or self.short or self.short_at_worst else "fits"

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
        """Requests of this length that run beside each other: those that have room, and no more
        than `max_num_seqs`, in every engine."""
        room = max(0, self.blocks - 1) // max(1, self.cache.blocks_for(tokens))
        return min(room, self.serving.seqs) * self.split.data

    @property
    def spread(self) -> tuple[int, int]:
        """Bytes by which the overhead may be less and more; told bytes have no range."""
        told = self.serving.kv_bytes or not self.serving.unified
        return (0, 0) if told else UNIFIED_SPREAD

    def changed(self, change: int) -> "Fit":
        """With so many bytes more on every rank."""
        if not change:
            return self
        rooms = tuple(room + change for room in self.rooms)
        blocks = self.cache.blocks_in(rooms, self.stages)
        tokens = self.cache.tokens_in(blocks, self.serving.max_model_len)
        return replace(self, rooms=rooms, blocks=blocks, kv_tokens=tokens)

    @property
    def kv_range(self) -> tuple[int, int]:
        """Tokens with the largest overhead and the smallest."""
        less, more = self.spread
        return self.changed(-more).kv_tokens, self.changed(less).kv_tokens

    def kv_bytes(self, tokens: int) -> int:
        """KV cache that one request of this length needs on the fullest rank."""
        return max(self.cache.request_bytes(tokens, layers) for layers in self.stages)


def judge(model: Model, split: Split, serving: Serving, memory: GpuMemory) -> Fit:
    arch, kinds = model.architecture, model.kinds
    if is_padded(arch):
        kinds = padded_experts(kinds, arch, split, serving.kernel)
    weights = rank_weights(
        kinds,
        arch,
        split,
        weight_dtype=serving.weight_dtype,
        online_fp8=serving.online_fp8,
        drafts=serving.speculation.layers > 0,
    )
    stages = stage_layers(len(arch.layers), split.pipeline)
    extra = tuple(
        overheads(arch, split, serving, len(layers), across=memory.across) for layers in stages
    )
    fit = Fit(
        split=split,
        serving=serving,
        memory=memory,
        weights=weights,
        overheads=extra,
        rooms=rooms_for_cache(serving, memory, weights, extra),
        blocks=0,
        kv_tokens=0,
        longest=0,
        cache=cache_of(arch, split, serving),
        stages=stages,
        guesses=guesses_of_fit(model, serving),
        refused=tuple(refusals(arch, split, serving, memory.total, memory.host // memory.ranks)),
    )
    return with_shortages(with_tokens(fit, arch))


def guesses_of_fit(model: Model, serving: Serving) -> tuple[str, ...]:
    """What is a guess for this model on this hardware."""
    found = [*model.guesses, *serving.guesses]
    if is_padded(model.architecture) and not serving.kernel.certain:
        found.append(
            f"weights: vLLM's kernel for MXFP4 experts is not known here, counted as "
            f"{serving.kernel.name}'s; moe_backend names one (triton takes less)"
        )
    return tuple(found)


def rooms_for_cache(
    serving: Serving, memory: GpuMemory, weights: Weights, extra: Sequence[Sequence[Estimate]]
) -> tuple[int, ...]:
    """vLLM's rule: its share of the memory without weights and overhead, unless told in bytes."""
    budget = int(memory.total * serving.utilization)
    told = serving.kv_bytes or serving.cpu_space
    pairs = zip(weights.stages, extra, strict=True)
    return tuple(told or budget - held - total(estimates) for held, estimates in pairs)


def with_tokens(fit: Fit, arch: Architecture) -> Fit:
    """What the room holds. Where vLLM is to find the length itself, it is the longest."""
    blocks = fit.cache.blocks_in(fit.rooms, fit.stages)
    serving = fit.serving
    limit = arch.positions or max(serving.max_model_len, CONTEXTS[-1])
    longest = fit.cache.longest(blocks, limit)
    if serving.automatic_length:
        serving = replace(serving, max_model_len=max(1, min(serving.max_model_len, longest)))
    tokens = fit.cache.tokens_in(blocks, serving.max_model_len)
    return replace(fit, serving=serving, blocks=blocks, kv_tokens=tokens, longest=longest)


def with_shortages(fit: Fit) -> Fit:
    less, more = fit.spread
    return replace(
        fit,
        short=tuple(shortages(fit)),
        short_at_best=bool(shortages(fit.changed(less))),
        short_at_worst=bool(shortages(fit.changed(-more))),
    )


def shortages(fit: Fit) -> list[str]:
    """In the order in which vLLM would meet them."""
    free, serving = fit.memory.free, fit.serving
    known = any(fit.cache.block_bytes(layers) for layers in fit.stages)
    found = []
    if serving.cpu_space or serving.kv_bytes:
        wanted = fit.weights.most + fit.overhead + fit.room
    else:
        wanted = fit.budget
    if free is not None and free < wanted:
        found.append(f"{gib(free)} are free, and vLLM takes {gib(wanted)}")
    elif serving.kv_bytes and fit.memory.total and wanted > fit.memory.total:
        found.append(f"a GPU has {gib(fit.memory.total)}, and vLLM takes {gib(wanted)}")
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


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
