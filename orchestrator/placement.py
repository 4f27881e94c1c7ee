"""(recipe, model facts, host facts) -> the split over hosts and GPUs, or why none fits; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.errors import PreflightError, Problem
from cluster.facts import HostFacts
from orchestrator.recipe import Recipe

WEIGHT_SHARE = 0.8  # of the memory vLLM may use; the rest is KV cache, activations and graphs
DEFAULT_UTILIZATION = 0.9


@dataclass(frozen=True)
class Placement:
    """Where the ranks go: `hosts` in order, the first one runs vLLM."""

    hosts: tuple[HostFacts, ...]
    tensor: int
    pipeline: int

    @property
    def needs_ray(self) -> bool:
        return len(self.hosts) > 1

    @property
    def ranks(self) -> int:
        return self.tensor * self.pipeline

    def __str__(self) -> str:
        names = ", ".join(host.node.name for host in self.hosts)
        split = f"tensor parallel {self.tensor}"
        if self.pipeline > 1:
            split += f", pipeline parallel {self.pipeline}"
        return f"{split} on {names}"


def place(
    recipe: Recipe,
    config: Mapping[str, Any],
    weight_bytes: int,
    hosts: Sequence[HostFacts],
    used: Mapping[str, int],
) -> Placement:
    """What fits in one host stays in one host; across hosts, tensor parallel where each has one
    GPU, else tensor parallel inside a host and pipeline parallel between hosts.

    `used` counts the GPUs by host name that other services of ours have.
    Raises PreflightError with the numbers when nothing fits.
    """
    free = {host.node.name: host.gpu_count - used.get(host.node.name, 0) for host in hosts}
    tensor, pipeline = fixed_split(recipe)
    tensor = shrunk(recipe, config, tensor, free)
    no_gpus = not any(host.gpu_count for host in hosts)
    if no_gpus and (tensor or 1) * (pipeline or 1) == 1:  # a CPU build needs no accelerator
        return Placement((head_first(hosts)[0],), 1, 1)
    if tensor or pipeline:
        ranks = (tensor or 1) * (pipeline or 1)
    elif recipe.spread == "all":
        ranks = largest_split(config, sum(max(0, count) for count in free.values()))
    else:
        ranks = ranks_for(recipe, config, weight_bytes, hosts)
    chosen = choose_hosts(ranks, free, hosts, whole=recipe.spread == "all")
    if chosen is None:
        raise PreflightError(no_room(ranks, free, hosts, used))
    if not (tensor or pipeline):
        tensor, pipeline = split(ranks, chosen)
    require_divisible(config, tensor or 1)
    return Placement(chosen, tensor or 1, pipeline or 1)


def fixed_split(recipe: Recipe) -> tuple[int | None, int | None]:
    def wanted(key: str) -> int | None:
        value = recipe.args.get(key)
        return value if isinstance(value, int) and value > 0 else None

    return wanted("tensor_parallel_size"), wanted("pipeline_parallel_size")


def shrunk(
    recipe: Recipe, config: Mapping[str, Any], tensor: int | None, free: Mapping[str, int]
) -> int | None:
    """The largest size that the heads divide over, from the wanted one down to the recipe's
    minimum, for which there are GPUs; the wanted one where it may not shrink or nothing fits."""
    least = recipe.min_tensor_parallel
    if tensor is None or least is None:
        return tensor
    room, heads = sum(max(0, count) for count in free.values()), head_counts(config)
    sizes = range(tensor, least - 1, -1)
    return next((n for n in sizes if n <= room and all(divides(n, c) for c in heads)), tensor)


def head_first(hosts: Sequence[HostFacts]) -> list[HostFacts]:
    return sorted(hosts, key=lambda host: not host.node.is_head)


def choose_hosts(
    ranks: int, free: Mapping[str, int], hosts: Sequence[HostFacts], *, whole: bool
) -> tuple[HostFacts, ...] | None:
    """The fewest hosts that hold the ranks, the head first; None when there are too few GPUs."""
    ordered = head_first(hosts)
    if not whole:
        for host in ordered:
            if free[host.node.name] >= ranks:
                return (host,)
    chosen, room = [], 0
    for host in ordered:
        if free[host.node.name] > 0 and room < ranks:
            chosen.append(host)
            room += free[host.node.name]
    return tuple(chosen) if room >= ranks else None


def split(ranks: int, hosts: Sequence[HostFacts]) -> tuple[int, int]:
    """(tensor, pipeline). Tensor parallel crosses hosts only where each has a single GPU."""
    if len(hosts) == 1 or all(host.gpu_count == 1 for host in hosts):
        return ranks, 1
    return ranks // len(hosts), len(hosts)


def largest_split(config: Mapping[str, Any], gpus: int) -> int:
    """The most ranks up to `gpus` over which the attention heads divide."""
    heads = head_counts(config)
    fitting = [n for n in range(1, gpus + 1) if all(divides(n, count) for count in heads)]
    return max(fitting, default=1)


def ranks_for(
    recipe: Recipe, config: Mapping[str, Any], weight_bytes: int, hosts: Sequence[HostFacts]
) -> int:
    """The fewest ranks whose share of the weights leaves room for the KV cache."""
    share = recipe.args.get("gpu_memory_utilization", DEFAULT_UTILIZATION)
    utilization = float(share) if isinstance(share, int | float) else DEFAULT_UTILIZATION
    room = min(gpu_bytes(host) for host in hosts if host.gpu_count) * utilization * WEIGHT_SHARE
    most = sum(host.gpu_count for host in hosts)
    heads = head_counts(config)
    for ranks in range(1, most + 1):
        if all(divides(ranks, count) for count in heads) and weight_bytes <= ranks * room:
            return ranks
    raise PreflightError(
        Problem(
            f"{weight_bytes / 2**30:.0f} GiB of weights do not fit: {most} GPUs with room for "
            f"{room / 2**30:.0f} GiB of weights each",
            recipe.name,
            "add hosts, or choose a smaller or quantised model",
        )
    )


def gpu_bytes(host: HostFacts) -> int:
    """Memory of one GPU; on unified memory, and without a driver, the host's."""
    sizes = [gpu.memory_total for gpu in host.gpus if gpu.memory_total]
    return min(sizes) if sizes else host.memory.total // max(1, host.gpu_count)


def head_counts(config: Mapping[str, Any]) -> list[int]:
    inner = config.get("text_config") or config
    counts = [inner.get("num_attention_heads"), inner.get("num_key_value_heads")]
    return [count for count in counts if isinstance(count, int)]


def divides(ranks: int, heads: int) -> bool:
    """vLLM replicates KV heads when there are more ranks than heads."""
    return heads % ranks == 0 or (ranks > heads and ranks % heads == 0)


def require_divisible(config: Mapping[str, Any], tensor: int) -> None:
    heads = head_counts(config)
    if heads and heads[0] % tensor:
        raise PreflightError(
            Problem(
                f"{heads[0]} attention heads cannot be split over {tensor} ranks",
                "tensor_parallel_size",
                "choose a divisor with --set tensor_parallel_size=N",
            )
        )


def no_room(
    ranks: int, free: Mapping[str, int], hosts: Sequence[HostFacts], used: Mapping[str, int]
) -> Problem:
    counted = ", ".join(
        f"{host.node.name} {free[host.node.name]} of {host.gpu_count} free" for host in hosts
    )
    hint = "set `gpus` in nodes.toml where the driver cannot count them"
    if any(used.values()):
        hint = "another model has them: orchestrate status, then orchestrate teardown"
    return Problem(f"{ranks} GPUs are wanted, but there are: {counted}", "placement", hint)
