"""Layers that keep a state of constant size in place of keys and values; pure.

After vLLM's mamba_utils.py: the last inputs of a convolution in the model's dtype, and a recurrent
state whose dtype config.json may set (`mamba_ssm_dtype`; Nemotron-H and Kimi Linear: float32).
"""

from dataclasses import dataclass

from orchestrator.capacity.config_json import ConfigTable, count_in, inner, text_in

ALWAYS_FLOAT32 = ("nemotron_h", "kimi_linear")  # unless told otherwise


@dataclass(frozen=True)
class Linear:
    """Linear attention (gated delta net, KDA): heads and their sizes."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int
    gate_rank: int = 0  # of KDA's low-rank gates


@dataclass(frozen=True)
class Mamba:
    """A Mamba 2 mixer: heads, their size, groups and the size of the state."""

    heads: int
    head_dim: int
    groups: int
    state: int
    kernel: int

    @property
    def inner(self) -> int:
        return self.heads * self.head_dim


def linear_of(table: ConfigTable) -> Linear | None:
    kda = inner(table, "linear_attn_config")
    if kda:
        heads, size = count_in(kda, "num_heads"), count_in(kda, "head_dim", default=128)
        kernel = count_in(kda, "short_conv_kernel_size", default=4)
        return Linear(heads, heads, size, size, kernel, size) if heads else None
    if not count_in(table, "linear_num_value_heads"):
        return None
    return Linear(
        key_heads=count_in(table, "linear_num_key_heads", default=1),
        value_heads=count_in(table, "linear_num_value_heads"),
        key_dim=count_in(table, "linear_key_head_dim", default=128),
        value_dim=count_in(table, "linear_value_head_dim", default=128),
        kernel=count_in(table, "linear_conv_kernel_dim", default=4),
    )


def mamba_of(table: ConfigTable) -> Mamba | None:
    heads = count_in(table, "mamba_num_heads", "mamba_n_heads")
    if not heads:
        return None
    return Mamba(
        heads=heads,
        head_dim=count_in(table, "mamba_head_dim", "mamba_d_head", default=64),
        groups=count_in(table, "n_groups", "mamba_n_groups", default=1),
        state=count_in(table, "ssm_state_size", "mamba_d_state", default=128),
        kernel=count_in(table, "conv_kernel", "mamba_d_conv", default=4),
    )


def state_dtype(kind: str, table: ConfigTable) -> str:
    """Nothing where the state has the model's own."""
    told = text_in(table, "mamba_ssm_dtype", "mamba_ssm_cache_dtype")
    return told or ("float32" if kind in ALWAYS_FLOAT32 else "")


def linear_state(linear: Linear, tensor: int, drafts: int) -> tuple[int, int]:
    """(elements of the convolution's inputs, of the state) of a layer on a rank; `drafts`: tokens
    that a speculative step adds."""
    channels = 2 * linear.key_heads * linear.key_dim + linear.value_heads * linear.value_dim
    state = linear.value_heads * linear.value_dim * linear.key_dim
    return (linear.kernel - 1 + drafts) * channels // tensor, state // tensor


def mamba_state(mamba: Mamba, tensor: int, drafts: int) -> tuple[int, int]:
    """As above; groups are repeated until every rank has what its heads need."""
    groups = mamba.groups if mamba.groups % tensor == 0 else tensor
    channels = mamba.inner + 2 * groups * mamba.state
    state = mamba.inner * mamba.state
    return (mamba.kernel - 1 + drafts) * channels // tensor, state // tensor
