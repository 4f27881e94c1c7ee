"""Experts in MXFP4 as vLLM's kernels keep them: widths rounded up; pure.

After mxfp4_round_up_hidden_size_and_intermediate_size (fused_moe/oracle/mxfp4.py, vLLM 0.32) and
the order in which it tries its kernels there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, prod

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.weights import Alike, Split

WEIGHT = re.compile(r"\.experts\.(?!.*bias)")
# kernel: what the hidden size and an expert's width on a rank become multiples of
STEPS = {
    "marlin": (256, 128),
    "flashinfer_trtllm": (256, 128),
    "flashinfer_cutlass": (128, 128),
    "cutlass": (128, 128),
    "deep_gemm": (128, 128),
    "triton": (1, 64),
    "emulation": (32, 32),
}
WIDEST = "marlin"  # as flashinfer_trtllm: what every kind of GPU can come to
HOPPER = "9."  # Triton's kernels are tried first there, Marlin's where they are not installed


@dataclass(frozen=True)
class ExpertKernel:
    """`name` is one of STEPS; `certain` is false where vLLM may choose another."""

    name: str = WIDEST
    certain: bool = True


def expert_kernel(asked: str, capability: str) -> ExpertKernel:
    """`asked`: the option moe_backend, or auto."""
    found = next((name for name in STEPS if asked.startswith(name)), "")
    if found:
        return ExpertKernel(found)
    return ExpertKernel(WIDEST, certain=bool(capability) and not capability.startswith(HOPPER))


def is_padded(arch: Architecture) -> bool:
    sized = arch.expert_width > 0 and arch.hidden > 0
    return arch.kind == "gpt_oss" and arch.quantization == "mxfp4" and sized


def padded_experts(
    kinds: Iterable[Alike], arch: Architecture, split: Split, kernel: ExpertKernel
) -> tuple[Alike, ...]:
    """Only gpt-oss has widths that are no multiples already: see `is_padded`."""
    hidden_step, step = STEPS[kernel.name]
    width = arch.expert_width / (1 if split.expert else split.tensor)
    factor = rounded(arch.hidden, hidden_step) * rounded(width, step) / (arch.hidden * width)
    return tuple(
        replace(kind, one=replace(kind.one, shape=(ceil(prod(kind.one.shape) * factor),)))
        if WEIGHT.search(kind.one.name)
        else kind
        for kind in kinds
    )


def rounded(size: float, step: int) -> int:
    return ceil(size / step) * step
