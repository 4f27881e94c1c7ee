"""What vLLM takes besides weights and KV cache: estimates, each with where it comes from; pure.

docs/decisions/0018 has the measured points that they are held against. vLLM measures these itself
at every start (gpu_worker.determine_available_memory): a forward pass of the largest batch, then
the sampler, then two CUDA graphs of each mode from which it extrapolates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from cluster.units import GIB, MIB
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import Serving
from orchestrator.capacity.weights import Split

ACTIVATION = 2  # bytes of an element
# measured: 0.305 GiB besides 10 MiB of weights, tiny model, one H200, vLLM 0.25.1, eager
NOT_TORCH = 0.28 * GIB
# vLLM counts at least 1 MiB a graph (profile_cudagraph_memory)
GRAPH = 1 * MIB
# measured: 0.41 GiB more with graphs than eager for 24 layers on one H200, 102 graphs
GRAPH_LAYER = 0.013 * GIB
ALL_GRAPHS = 102
# measured: TP 2 with graphs against one GPU with graphs, NVLink in one host / sockets between two
GRAPH_TENSOR_HERE = 0.33 * GIB
GRAPH_TENSOR_ACROSS = 0.78 * GIB
# measured: PP 2 with graphs across two hosts
PIPELINE = 0.1 * GIB
# bytes a logit: bfloat16 and float32; 6.5 measured with 262,208 words (Gemma 3, one H200)
LOGIT = 6.5
# measured against the workspaces below, one H200, eager: 1.2 in bfloat16, 1.65 AWQ (Marlin),
# 1.8 blocks of FP8 (DeepGEMM also keeps quantised copies), 4 MXFP4
EXPERTS = {"": 1.2, "awq": 1.65, "gptq": 1.65, "mxfp4": 4.0}
EXPERTS_OTHER = 1.8
# MLA profiles the longest piece of a prompt that it unpacks at once (mla_attention.py)
LATENT_TOKENS = 64 * 1024
STREAMS = 4  # hidden states alive at once: input, residual, normed, output
STATE_CHUNK = 64  # tokens; the gated delta rule keeps a state for each chunk
LARGEST_IMAGE = 16384  # tokens after merging: the processor's default limit
# unified memory: vLLM counts what the host's own processes take while it loads as its own. Two
# owners' startup logs (GB10, utilisation 0.85) leave 8 to 12 GiB beside weights and KV cache, where
# the estimates above come to 3 to 4; nothing was measured on Sparks for this table
UNIFIED = 8 * GIB
UNIFIED_SPREAD = (8 * GIB, 2 * GIB)  # how much less and more it may be
# a CPU build: Python, torch and the compiled graph in resident memory; not part of the KV space
CPU_PROCESS = 2 * GIB
UNIFIED_SOURCE = "0 to 10 GiB in owners' logs; not measured on Sparks by us"


@dataclass(frozen=True)
class Estimate:
    """Bytes on one rank, and where the figure comes from."""

    name: str
    bytes: int
    source: str


def overheads(
    arch: Architecture, split: Split, serving: Serving, layers: int, *, across: bool
) -> tuple[Estimate, ...]:
    """On a rank with this many layers; `across`: its ranks are in several hosts."""
    if serving.cpu_space:
        return (Estimate("process", CPU_PROCESS, "estimate for Python and torch on a CPU"),)
    forward, sampler = forward_bytes(arch, split, serving), sampler_bytes(arch, serving)
    vision = vision_bytes(arch, split, serving)
    found = [
        Estimate(
            "activations",
            max(forward, sampler) if not vision else max(forward, sampler, vision),
            f"the largest of a step of {serving.batched} tokens, the sampler for {serving.seqs} "
            "requests" + (" and the largest image" if vision else ""),
        ),
        Estimate("CUDA context and kernels", int(NOT_TORCH), "measured on one H200"),
    ]
    if not serving.eager:
        graphs = graph_bytes(split, serving, layers, across=across)
        found.append(Estimate("CUDA graphs", graphs, "fitted to measurements on one and two H200"))
    if split.pipeline > 1:
        found.append(Estimate("pipeline buffers", int(PIPELINE), "measured on two H200"))
    if serving.unified:
        found.append(Estimate("unified memory", UNIFIED, UNIFIED_SOURCE))
    return tuple(found)


def total(estimates: Sequence[Estimate]) -> int:
    return sum(each.bytes for each in estimates)


def forward_bytes(arch: Architecture, split: Split, serving: Serving) -> int:
    """Peak of a forward pass of the largest batch: hidden states and the widest block."""
    tokens = serving.batched
    streams = STREAMS * tokens * arch.hidden
    heads = ceil(arch.heads / split.tensor)
    attention = tokens * arch.head_dim * (2 * heads + 2 * ceil(arch.kv_heads / split.tensor))
    dense = 3 * tokens * ceil(arch.width / split.tensor)
    factor = EXPERTS.get(arch.quantization, EXPERTS_OTHER)
    widest = max(attention, dense, int(factor * experts_elements(arch, split, tokens)))
    unpacked = streams + widest + latent_elements(arch, split)
    return unpacked * ACTIVATION + scan_bytes(arch, split, tokens)


def latent_elements(arch: Architecture, split: Split) -> int:
    """Keys and values that MLA unpacks from its latent, while the experts' workspace is held."""
    if not arch.latent:
        return 0
    heads = ceil(arch.heads / split.tensor)
    return LATENT_TOKENS * heads * (arch.nope_dim + arch.value_dim)


def experts_elements(arch: Architecture, split: Split, tokens: int) -> int:
    """Two workspaces and the output of vLLM's fused experts (TritonExperts.workspace_shapes)."""
    if not arch.experts or not arch.expert_width:
        return 0
    width = arch.expert_width if split.expert else ceil(arch.expert_width / split.tensor)
    routed = tokens * arch.top_k
    first, second = max(width, arch.hidden), max(2 * width, arch.hidden)
    return routed * (first + second) + tokens * arch.hidden


def scan_bytes(arch: Architecture, split: Split, tokens: int) -> int:
    """Gated delta rule in chunks: a state a chunk, and keys and values in float32."""
    if not arch.linear or "linear" not in arch.layers:
        return 0
    values = ceil(arch.linear.value_heads / split.tensor) * arch.linear.value_dim
    states = ceil(tokens / STATE_CHUNK) * values * arch.linear.key_dim
    return (states + 3 * tokens * values) * 4


def sampler_bytes(arch: Architecture, serving: Serving) -> int:
    return int(min(serving.seqs, serving.batched) * arch.vocab * LOGIT)


def vision_bytes(arch: Architecture, split: Split, serving: Serving) -> int:
    """The encoder on the largest image, and what it gives for the language model; not measured."""
    tower = arch.vision
    if tower is None or not serving.images:
        return 0
    patches = LARGEST_IMAGE * tower.merge**2
    inside = patches * (6 * tower.hidden + 3 * ceil(tower.width / split.tensor))
    given = LARGEST_IMAGE * tower.out * (1 + tower.deepstack)
    return (inside + 2 * given) * ACTIVATION


def graph_bytes(split: Split, serving: Serving, layers: int, *, across: bool) -> int:
    graphs = graph_count(serving.seqs)
    size = graphs * GRAPH + GRAPH_LAYER * layers * graphs / ALL_GRAPHS
    if split.tensor > 1:
        size += GRAPH_TENSOR_ACROSS if across else GRAPH_TENSOR_HERE
    return int(size)


def graph_count(seqs: int) -> int:
    """vLLM's default capture sizes (config/vllm.py), piecewise and, up to `seqs`, whole."""
    largest = min(2 * seqs, 512)
    sizes = [n for n in (1, 2, 4) if n <= largest]
    sizes += [*range(8, min(largest + 1, 256), 8), *range(256, largest + 1, 16)]
    return len(sizes) + sum(1 for n in sizes if n <= seqs)
