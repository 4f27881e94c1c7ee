"""How a checkpoint stores its projections, read from config.json: bits, groups, what is left out.

After vLLM's model_executor/layers/quantization: fp8, AWQ and GPTQ, compressed-tensors
(`config_groups`), ModelOpt (`quant_algo`, `quantized_layers`), MXFP4. Pure; nothing is trusted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.capacity.config_json import ConfigTable, count_in, inner, text_in
from orchestrator.capacity.module_names import NONE, ModuleNames, module_tail, parents

FP8 = ("fp8", "float8", "fp8_e4m3")
PACKED = ("awq", "gptq", "awq_marlin", "gptq_marlin", "auto-round", "intel/auto-round")


@dataclass(frozen=True)
class Format:
    """Of a weight: `kind` is fp8, int, nvfp4 or mxfp4; `group` elements share a scale (0: a row or
    all), `block` is FP8's square block, `zeros` says that zero points are stored."""

    kind: str
    bits: int
    group: int = 0
    block: int = 0
    zeros: bool = False


NVFP4, MXFP4 = Format("nvfp4", 4, 16), Format("mxfp4", 4, 32)
ALGORITHMS = {
    "FP8": Format("fp8", 8),
    "FP8_PER_CHANNEL_PER_TOKEN": Format("fp8", 8),
    "FP8_PB_WO": Format("fp8", 8, block=128),
    "NVFP4": NVFP4,
    "W4A16_NVFP4": NVFP4,
    "NVFP4_AWQ": NVFP4,
    "W4A8_NVFP4_FP8": NVFP4,
    "MXFP8": Format("fp8", 8, group=32),
    "MXFP4": MXFP4,
    "W4A16_MXFP4": MXFP4,
    "W4A8_AWQ": Format("int", 4, 128),
    "INT4_AWQ": Format("int", 4, 128),
}


@dataclass(frozen=True)
class Quantization:
    """`method` is nothing for a checkpoint that is not quantised; `kv_cache` is the cache's dtype
    where the checkpoint says one; `unread` is what could not be understood."""

    method: str = ""
    default: Format | None = None
    experts: Format | None = None
    named: Mapping[str, Format] = field(default_factory=dict)
    groups: tuple[tuple[ModuleNames, Format], ...] = ()
    ignored: ModuleNames = NONE
    kv_cache: str = ""
    unread: tuple[str, ...] = ()

    def format_of(self, module: str) -> Format | None:
        """Of a projection by its module's name; None where it is stored unquantised."""
        if self.ignored.match(module):
            return None
        for name in parents(module_tail(module)):
            if name in self.named:
                return self.named[name]
        for names, stored in self.groups:
            if names.match(module):
                return stored
        return self.experts if self.experts and ".experts" in module else self.default

    def head_format(self) -> Format | None:
        """Of the output vocabulary, which is quantised only where it is named."""
        if self.ignored.match("lm_head"):
            return None
        named = (stored for names, stored in self.groups if names.match("lm_head"))
        return self.named.get("lm_head") or next(named, None)


def read_quantization(config: ConfigTable, language: ConfigTable) -> Quantization:
    """Of a model's config.json and its language part. Never raises."""
    table = inner(config, "quantization_config") or inner(language, "quantization_config")
    if not table:
        return Quantization()
    details = inner(table, "quantization") or table
    method = method_of(table)
    ignored = ModuleNames.read(
        each
        for key in ("modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers")
        for each in texts(details.get(key, table.get(key)))
    )
    if method == "modelopt":
        return modelopt(table, details, ignored)
    if method == "compressed-tensors":
        return compressed(details, ignored)
    return plain_method(method, details, ignored, language)


def method_of(table: ConfigTable) -> str:
    """As vLLM names it; ModelOpt writes files that say only who made them."""
    method = text_in(table, "quant_method").lower().replace("_", "-")
    producer = text_in(inner(table, "producer"), "name").lower()
    if method.startswith("modelopt") or (not method and producer == "modelopt"):
        return "modelopt"
    names = {"awq-marlin": "awq_marlin", "gptq-marlin": "gptq_marlin", "gpt-oss-mxfp4": "mxfp4"}
    return names.get(method, method)


def plain_method(
    method: str, table: ConfigTable, ignored: ModuleNames, language: ConfigTable
) -> Quantization:
    """One format for all that is not ignored."""
    experts = None
    if method in FP8:
        blocks = table.get("weight_block_size")
        block = count_in({"n": blocks[0]}, "n") if isinstance(blocks, list) and blocks else 0
        default: Format | None = Format("fp8", 8, block=block)
        experts = expert_format(table, language)
    elif method == "mxfp4":  # of experts alone
        default, experts = None, MXFP4
    elif method == "bitsandbytes":
        default = Format("int", 4, 64) if table.get("load_in_4bit") is True else Format("int", 8)
    else:
        bits, group = count_in(table, "bits", "w_bit"), count_in(table, "group_size")
        default = Format("int", bits, group or 128, zeros=True) if bits in (2, 3, 4, 8) else None
    cache = "fp8" if table.get("kv_cache_scheme") else ""
    unread = ignored.unread if default or experts else (f"quantisation {method}",)
    return Quantization(method, default, experts, ignored=ignored, kv_cache=cache, unread=unread)


def expert_format(table: ConfigTable, language: ConfigTable) -> Format | None:
    """DeepSeek V4 stores its experts in four bits beside FP8."""
    algorithm = text_in(table, "moe_quant_algo")
    if algorithm:
        return ALGORITHMS.get(algorithm.upper())
    return MXFP4 if text_in(language, "expert_dtype") == "fp4" else None


def modelopt(table: ConfigTable, details: ConfigTable, ignored: ModuleNames) -> Quantization:
    algorithm = text_in(details, "quant_algo").upper()
    layers = inner(details, "quantized_layers")
    named = {
        module_tail(name): ALGORITHMS[text_in(each, "quant_algo").upper()]
        for name, each in layers.items()
        if isinstance(each, Mapping) and text_in(each, "quant_algo").upper() in ALGORITHMS
    }
    unread = list(ignored.unread)
    if not named and algorithm not in ALGORITHMS:
        unread.append(f"quantisation modelopt {algorithm or 'without quant_algo'}")
    return Quantization(
        "modelopt",
        None if named else ALGORITHMS.get(algorithm),
        named=named,
        ignored=ignored,
        kv_cache=cache_dtype(
            details.get("kv_cache_scheme")
            or table.get("kv_cache_scheme")
            or details.get("kv_cache_quant_algo")
        ),
        unread=tuple(unread),
    )


def compressed(table: ConfigTable, ignored: ModuleNames) -> Quantization:
    """The group whose target is every Linear is the default, others are by name."""
    default, groups, unread = None, [], list(ignored.unread)
    for each in inner(table, "config_groups").values():
        weights = inner(each, "weights") if isinstance(each, Mapping) else {}
        stored = group_format(weights, text_in(each, "format") or text_in(table, "format"))
        if stored is None:
            unread.append("a group of compressed-tensors")
            continue
        targets = list(texts(each.get("targets")))
        if "Linear" in targets or not targets:
            default = stored
        else:
            groups.append((ModuleNames.read(targets), stored))
    if default is None and not groups:
        unread.append("quantisation compressed-tensors without config_groups")
    return Quantization(
        "compressed-tensors",
        default,
        groups=tuple(groups),
        ignored=ignored,
        kv_cache="fp8" if isinstance(table.get("kv_cache_scheme"), Mapping) else "",
        unread=tuple(unread),
    )


def group_format(weights: ConfigTable, stored: str) -> Format | None:
    bits, group = count_in(weights, "num_bits"), count_in(weights, "group_size")
    floating = text_in(weights, "type") == "float"
    if floating and bits == 4:
        return MXFP4 if stored.startswith("mxfp4") or group == 32 else NVFP4
    if floating and bits == 8:
        blocks = weights.get("block_structure")
        block = count_in({"n": blocks[0]}, "n") if isinstance(blocks, list) and blocks else 0
        return Format("fp8", 8, block=block)
    zeros = weights.get("symmetric") is False
    return Format("int", bits, group, zeros=zeros) if bits in (2, 3, 4, 8) else None


def cache_dtype(scheme: Any) -> str:
    """vLLM's get_kv_cache_quant_algo_string: fp8, nvfp4, or nothing for what it does not know."""
    if isinstance(scheme, Mapping):
        bits = count_in(scheme, "num_bits")
        floating = text_in(scheme, "type") == "float"
        if floating and bits == 8 and scheme.get("dynamic") is False:
            return "fp8"
        return "nvfp4" if floating and bits == 4 else ""
    return {"fp8": "fp8", "nvfp4": "nvfp4"}.get(str(scheme).lower(), "")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))
