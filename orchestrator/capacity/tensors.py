"""The tensors of a checkpoint, as safetensors headers list them; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

DTYPE_BYTES = {
    "F64": 8.0,
    "I64": 8.0,
    "U64": 8.0,
    "F32": 4.0,
    "I32": 4.0,
    "U32": 4.0,
    "F16": 2.0,
    "BF16": 2.0,
    "I16": 2.0,
    "U16": 2.0,
    "I8": 1.0,
    "U8": 1.0,
    "BOOL": 1.0,
    "F4": 0.5,
    "F6_E2M3": 0.75,
    "F6_E3M2": 0.75,
}
MOST_ELEMENTS = 1 << 60  # an exbi of them: what is larger is no size, and no float may hold it
ONE_BYTE = 1.0  # every F8 type
FLOATS = ("F16", "BF16", "F32", "F64")  # what vLLM turns into the model's own dtype


@dataclass(frozen=True)
class Tensor:
    """One tensor, or `count` equal ones of a layer's experts, whose number is `*` in the name."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    count: int = 1

    @property
    def elements(self) -> int:
        return prod(self.shape) * self.count

    @property
    def bytes(self) -> int:
        """As stored."""
        return int(self.elements * element_bytes(self.dtype))


def element_bytes(dtype: str) -> float:
    return DTYPE_BYTES.get(dtype, ONE_BYTE)


def parse_tensors(rows: Iterable[Any]) -> tuple[Tensor, ...]:
    """[[name, dtype, shape, count]] as the host's program gives them. Raises ValueError, and
    TypeError for what is no row.
    """
    return tuple(
        sane(Tensor(str(name), str(dtype), parse_shape(shape), whole_size(count)))
        for name, dtype, shape, count in rows
    )


def sane(tensor: Tensor) -> Tensor:
    if tensor.elements >= MOST_ELEMENTS:
        raise ValueError(f"{tensor.name[:100]} is larger than any file")
    return tensor


def whole_size(value: Any) -> int:
    """Raises ValueError: a float may be infinite, and text is no size."""
    if not isinstance(value, int):
        raise ValueError(f"no whole number: {value!r:.40}")
    return value


def parse_shape(shape: Sequence[Any]) -> tuple[int, ...]:
    sizes = tuple(map(whole_size, shape))
    if any(size < 0 for size in sizes):
        raise ValueError(f"a negative size in {sizes}")
    return sizes
