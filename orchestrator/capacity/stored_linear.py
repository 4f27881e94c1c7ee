"""A projection as a checkpoint stores it: its weight and the scales beside it; pure."""

from collections.abc import Iterator
from math import ceil

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.quantization import Format
from orchestrator.capacity.tensors import Tensor

PLAIN_DTYPES = {"float32": "F32", "float16": "F16"}


def plain_dtype(arch: Architecture) -> str:
    return PLAIN_DTYPES.get(arch.dtype, "BF16")


def linear(
    arch: Architecture, name: str, rows: int, columns: int, count: int = 1
) -> Iterator[Tensor]:
    """Quantised as the checkpoint is."""
    stored = arch.quant.format_of(name)
    if stored is None:
        yield Tensor(f"{name}.weight", plain_dtype(arch), (rows, columns), count)
    else:
        yield from quantised(stored, name, (rows, columns), count)


def quantised(
    stored: Format, name: str, shape: tuple[int, int], count: int = 1
) -> Iterator[Tensor]:
    rows, columns = shape
    groups = ceil(columns / stored.group) if stored.group else 1
    if stored.kind == "fp8":
        yield Tensor(f"{name}.weight", "F8_E4M3", shape, count)
        if stored.block:
            blocks = (ceil(rows / stored.block), ceil(columns / stored.block))
            yield Tensor(f"{name}.weight_scale_inv", "F32", blocks, count)
        elif stored.group:
            yield Tensor(f"{name}.weight_scale", "U8", (rows, groups), count)
    elif stored.kind in ("nvfp4", "mxfp4"):
        scale = "F8_E4M3" if stored.kind == "nvfp4" else "U8"
        yield Tensor(f"{name}.weight", "U8", (rows, ceil(columns / 2)), count)
        yield Tensor(f"{name}.weight_scale", scale, (rows, groups), count)
    else:
        yield Tensor(f"{name}.qweight", "U8", (ceil(rows * stored.bits / 8), columns), count)
        yield Tensor(f"{name}.scales", "F16", (groups, rows), count)
        if stored.zeros:
            packed = (groups, ceil(rows * stored.bits / 8))
            yield Tensor(f"{name}.qzeros", "U8", packed, count)
