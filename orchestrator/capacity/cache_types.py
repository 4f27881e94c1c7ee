"""The values of `kv_cache_dtype` and what an element of each takes; pure.

After STR_DTYPE_TO_TORCH_DTYPE, nvfp4_kv_cache_full_dim and the backends' customize_spec of vLLM
0.32.
"""

from dataclasses import dataclass

PLAIN = {"float16": 16, "bfloat16": 16, "float32": 32, "half": 16, "float": 32}
BYTE_TYPES = (
    *("fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla", "fp8_per_token_head"),
    *("int8", "int8_per_token_head"),
)
# of one token and layer of MLA: opaque records (flashmla_sparse.py)
LATENT_BYTES = {"fp8_ds_mla": 656, "nvfp4_ds_mla": 352}
# a float32 scale beside each key and each value of a head
FULL_PACKED = {"int4_per_token_head": 4, "int8_per_token_head": 4, "fp8_per_token_head": 4}
FP4_GROUP = 16  # elements that share a scale of one byte


@dataclass(frozen=True)
class CacheType:
    """`bits` of an element; `known` is false where the figure is a stand-in."""

    name: str
    bits: int
    known: bool = True

    @property
    def fp8(self) -> bool:
        return self.name.startswith("fp8")


def cache_type(name: str, model_bytes: int) -> CacheType:
    """`name`: as vLLM resolved it; auto is the model's own dtype, of `model_bytes` an element."""
    if name == "auto":
        return CacheType(name, 8 * model_bytes)
    if name in PLAIN:
        return CacheType(name, PLAIN[name])
    if name in BYTE_TYPES:
        return CacheType(name, 8)
    if name.startswith(("nvfp4", "int4")):
        return CacheType(name, 4)
    return CacheType(name, 8, known=False)


def element_bits(size: int, cache: CacheType) -> int:
    """Bits of one head's key or value with this many elements."""
    if cache.name.startswith("nvfp4"):
        return size * 4 + size // FP4_GROUP * 8
    return size * cache.bits
