"""Bytes of weights that each rank holds, as vLLM splits them; pure.

The rules are those of vLLM's layers (model_executor/layers/linear.py, vocab_parallel_embedding.py,
fused_moe, and the models' own files): projections are split over the tensor-parallel ranks, norms,
routers and MLA's down-projections are on every rank, key and value heads are repeated where there
are fewer of them than ranks, experts are split like projections or, with expert parallel, by whole
experts.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.tensors import FLOATS, Tensor, element_bytes

LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")
VISION = re.compile(r"(?:^|\.)(?:visual|vision_\w+|multi_modal_projector|audio_tower)\.")
NOT_LOADED = re.compile(r"rotary_emb\.inv_freq$")
DRAFT = re.compile(r"(?:^|\.)mtp\.")
# a draft's own copies of these are the model's, once they are loaded
DRAFT_SHARES = re.compile(r"embed_tokens\.|shared_head\.head\.|lm_head\.")
EXPERT = re.compile(r"\.experts\.")
VOCABULARY = re.compile(r"(?:^|\.)(?:embed_tokens|wte|lm_head)\.")
KEYS_VALUES = re.compile(r"\.(?:k_proj|v_proj)\.")
WHOLE = re.compile(
    r"norm|\.gate\.|router|shared_expert_gate|q_a_proj|kv_a_proj|indexer|patch_embed|pos_embed"
    r"|position_embedding|(?:o_proj|out_proj|down_proj|fc2|\.proj)\.bias$|multi_modal_projector"
)
KEPT_AS_STORED = re.compile(r"A_log$|e_score_correction_bias$|scale|zeros$|blocks$")
SPLIT_LINES = re.compile(r"A_log$|dt_bias$|sinks$|\.bias$")
PADDED_VOCABULARY = 64  # rows; vLLM's DEFAULT_VOCAB_PADDING_SIZE
DTYPES = {"float32": 4, "float": 4, "float16": 2, "half": 2, "bfloat16": 2}


@dataclass(frozen=True)
class Split:
    """Ranks: tensor and pipeline parallel; `expert`: whole experts a rank instead of slices;
    `data`: engines beside each other, each with its own weights but for whole experts."""

    tensor: int
    pipeline: int = 1
    expert: bool = False
    data: int = 1

    @property
    def ranks(self) -> int:
        return self.tensor * self.pipeline * self.data


@dataclass(frozen=True)
class Alike:
    """Tensors that differ in their layer alone: one of them, and the layer of each, ascending; -1
    for none. A split is judged dozens of times, and a model has few kinds of tensors.
    """

    one: Tensor
    layers: tuple[int, ...]


def grouped(tensors: Iterable[Tensor]) -> tuple[Alike, ...]:
    found: dict[tuple[str, str, tuple[int, ...], int], tuple[Tensor, list[int]]] = {}
    for tensor in tensors:
        layer = LAYER.search(tensor.name)
        name = (
            f"{tensor.name[: layer.start(1)]}*{tensor.name[layer.end(1) :]}"
            if layer
            else tensor.name
        )
        key = (name, tensor.dtype, tensor.shape, tensor.count)
        found.setdefault(key, (tensor, []))[1].append(int(layer[1]) if layer else -1)
    return tuple(Alike(one, tuple(sorted(layers))) for one, layers in found.values())


@dataclass(frozen=True)
class Weights:
    """Bytes on one rank of each pipeline stage; `parts` is what the fullest stage consists of."""

    stages: tuple[int, ...]
    parts: Mapping[str, int]

    @property
    def most(self) -> int:
        return max(self.stages)


def model_bytes(dtype: str) -> int:
    """Bytes of an unquantised weight; float32 checkpoints are loaded in bfloat16 by default."""
    return DTYPES.get(dtype, 2)


def stage_layers(layers: int, pipeline: int) -> tuple[range, ...]:
    """vLLM's get_pp_indices: what is left over goes to the stages before the last."""
    sizes = [layers // pipeline] * pipeline
    for left in range(layers % pipeline):
        sizes[-(left + 2)] += 1
    ends = [sum(sizes[: n + 1]) for n in range(pipeline)]
    return tuple(range(end - size, end) for end, size in zip(ends, sizes, strict=True))


def rank_weights(
    tensors: Iterable[Alike],
    arch: Architecture,
    split: Split,
    *,
    weight_dtype: int,
    online_fp8: bool,
    drafts: bool = False,
) -> Weights:
    """`weight_dtype`: bytes of an unquantised weight; `online_fp8`: quantised while loading;
    `drafts`: layers of multi-token prediction are loaded, too."""
    tensors = tuple(tensors)
    stages = stage_layers(len(arch.layers) or layers_in(tensors), split.pipeline)
    parts: list[Counter[str]] = [Counter() for _ in stages]
    for alike in tensors:
        tensor = alike.one
        size = loaded_bytes(tensor, weight_dtype, online_fp8) * share(tensor, arch, split)
        for stage, number in numbers_by_stage(alike, arch, stages, drafts=drafts):
            parts[stage][part_of(tensor)] += ceil(size) * number
    for stage, layers in enumerate(stages):
        latent = sum(1 for number in layers if arch.layers[number : number + 1] == ("full",))
        if extra := absorbed_bytes(arch, split, weight_dtype) * latent:
            parts[stage]["MLA, absorbed"] += extra
    sums = tuple(sum(part.values()) for part in parts)
    fullest = max(range(len(sums)), key=lambda stage: sums[stage])
    return Weights(sums, dict(parts[fullest]))


def layers_in(tensors: Iterable[Alike]) -> int:
    """Where config.json does not say how many there are."""
    found = (alike.layers for alike in tensors if not VISION.search(alike.one.name))
    return max((layers[-1] + 1 for layers in found), default=0)


def loaded_bytes(tensor: Tensor, weight_dtype: int, online_fp8: bool) -> float:
    """Of the whole tensor as vLLM keeps it: unquantised weights take the model's dtype."""
    if tensor.name.endswith("weight_scale_inv"):
        return tensor.elements * 4.0  # read into float32
    if tensor.dtype not in FLOATS or KEPT_AS_STORED.search(tensor.name):
        return tensor.elements * element_bytes(tensor.dtype)
    in_layer = LAYER.search(tensor.name) and not VISION.search(tensor.name)
    if online_fp8 and in_layer and len(tensor.shape) > 1 and not WHOLE.search(tensor.name):
        return float(tensor.elements)
    return tensor.elements * float(weight_dtype)


def part_of(tensor: Tensor) -> str:
    if VISION.search(tensor.name):
        return "vision tower"
    if VOCABULARY.search(tensor.name):
        return "vocabulary"
    return "experts" if EXPERT.search(tensor.name) else "attention and dense layers"


def share(tensor: Tensor, arch: Architecture, split: Split) -> float:
    """The part of a tensor that one tensor-parallel rank holds."""
    name, ranks = tensor.name, split.tensor
    if EXPERT.search(name) and not name.endswith("router.weight"):
        if split.expert and arch.experts:
            return ceil(arch.experts / (ranks * split.data)) / arch.experts
        return 1 / ranks
    if VOCABULARY.search(name) and tensor.shape:
        rows = max(1, tensor.shape[0])
        return ceil(rows / PADDED_VOCABULARY) * PADDED_VOCABULARY / rows / ranks
    if WHOLE.search(name) or (len(tensor.shape) < 2 and not SPLIT_LINES.search(name)):
        return 1.0
    if KEYS_VALUES.search(name) and not VISION.search(name):
        return 1 / min(ranks, max(1, arch.kv_heads))
    return 1 / ranks


def stages_of(
    tensor: Tensor, arch: Architecture, stages: tuple[range, ...], *, drafts: bool
) -> list[int]:
    """Pipeline stages that hold what is in none of the model's layers; none where vLLM does not
    load it. A draft is on the last.
    """
    name, last = tensor.name, len(stages) - 1
    if NOT_LOADED.search(name):
        return []
    if is_draft(name, arch):
        return [last] if drafts and not DRAFT_SHARES.search(name) else []
    if VISION.search(name):
        return list(range(len(stages)))  # every stage builds the tower
    if VOCABULARY.search(name):
        if "lm_head" in name:
            return [] if arch.tied else [last]
        return sorted({0, last}) if arch.tied else [0]
    return [last] if "norm" in name else list(range(len(stages)))


def is_draft(name: str, arch: Architecture) -> bool:
    """Whether it belongs to multi-token prediction: by name, or a layer after the last."""
    if DRAFT.search(name):
        return True
    layer = LAYER.search(name)
    if layer is None or VISION.search(name) or not arch.layers:
        return False
    return int(layer[1]) >= len(arch.layers)


def numbers_by_stage(
    alike: Alike, arch: Architecture, stages: tuple[range, ...], *, drafts: bool
) -> list[tuple[int, int]]:
    """(stage, how many of them it holds). Layers after the last one are a draft, on its stage."""
    name, elsewhere = alike.one.name, (VISION, NOT_LOADED, VOCABULARY, DRAFT)
    if not LAYER.search(name) or any(each.search(name) for each in elsewhere):
        whole = len(alike.layers)
        return [(stage, whole) for stage in stages_of(alike.one, arch, stages, drafts=drafts)]
    before = [bisect_left(alike.layers, layers.start) for layers in stages]
    until = [bisect_left(alike.layers, layers.stop) for layers in stages]
    if drafts and arch.layers and not DRAFT_SHARES.search(name):
        until[-1] = len(alike.layers)
    return [(n, until[n] - before[n]) for n in range(len(stages)) if until[n] > before[n]]


def absorbed_bytes(arch: Architecture, split: Split, weight_dtype: int) -> int:
    """MLA keeps kv_b_proj a second time, unquantised, as W_UK and W_UV for decoding
    (vLLM's mla_attention.py, process_weights_after_loading); bytes a layer and rank."""
    if not arch.latent:
        return 0
    rank = arch.latent - arch.rope_dim
    heads = ceil(arch.heads / split.tensor)
    return heads * (arch.nope_dim + arch.value_dim) * rank * weight_dtype
