"""(recipe, model facts, host facts) -> the split over hosts and GPUs, or why none fits; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.errors import PreflightError, Problem
from cluster.facts.hosts import HostFacts
from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import serving_of
from orchestrator.capacity.fit import Fit, Model, judge
from orchestrator.capacity.gpu_memory import memory_of
from orchestrator.capacity.option_values import whole_number
from orchestrator.capacity.refusals import divides
from orchestrator.capacity.weights import Split
from orchestrator.recipes.recipe import Recipe


@dataclass(frozen=True)
class Placement:
    """Where the ranks go: `hosts` in order, the first one runs vLLM; `data` engines of tensor times
    pipeline ranks each."""

    hosts: tuple[HostFacts, ...]
    tensor: int
    pipeline: int
    data: int = 1

    @property
    def needs_ray(self) -> bool:
        return len(self.hosts) > 1

    @property
    def ranks(self) -> int:
        return self.tensor * self.pipeline * self.data

    def __str__(self) -> str:
        names = ", ".join(host.node.name for host in self.hosts)
        split = f"tensor parallel {self.tensor}"
        if self.pipeline > 1:
            split += f", pipeline parallel {self.pipeline}"
        if self.data > 1:
            split += f", data parallel {self.data}"
        return f"{split} on {names}"


def place_model(
    recipe: Recipe, model: Model, hosts: Sequence[HostFacts], used: Mapping[str, int]
) -> Placement:
    """What fits in one host stays in one host; across hosts, tensor parallel where each has one
    GPU, else tensor parallel inside a host and pipeline parallel between hosts.

    `used` counts the GPUs by host name that other services of ours have.
    Raises PreflightError with the numbers when nothing fits.
    """
    free = {host.node.name: host.gpu_count - used.get(host.node.name, 0) for host in hosts}
    tensor, pipeline = fixed_split(recipe)
    data = whole_number(recipe.args, "data_parallel_size", 1)
    tensor = smaller_split(recipe, model.architecture, tensor, free)
    no_gpus = not any(host.gpu_count for host in hosts)
    if no_gpus and (tensor or 1) * (pipeline or 1) * data == 1:  # a CPU build needs no accelerator
        return Placement((head_first(hosts)[0],), 1, 1)
    whole = recipe.spread == "all"
    if tensor or pipeline or data > 1:
        tensor, pipeline = tensor or 1, pipeline or 1
    elif whole:
        ranks = largest_split(model.architecture, sum(max(0, count) for count in free.values()))
        chosen = choose_hosts(ranks, free, hosts, whole=whole)
        tensor, pipeline = split(ranks, chosen) if chosen else (ranks, 1)
    else:
        tensor, pipeline = split_for(recipe, model, hosts, free)
    ranks = tensor * pipeline * data
    chosen = choose_hosts(ranks, free, hosts, whole=whole)
    if chosen is None:
        raise PreflightError(no_room(ranks, free, hosts, used))
    require_divisible(model.architecture, tensor)
    return Placement(chosen, tensor, pipeline, data)


def fixed_split(recipe: Recipe) -> tuple[int | None, int | None]:
    """None where the recipe leaves it to the placement."""
    tensor = whole_number(recipe.args, "tensor_parallel_size", 0)
    pipeline = whole_number(recipe.args, "pipeline_parallel_size", 0)
    return tensor or None, pipeline or None


def smaller_split(
    recipe: Recipe, arch: Architecture, tensor: int | None, free: Mapping[str, int]
) -> int | None:
    """The largest tensor-parallel size, from the requested one down to the recipe's minimum, that
    divides the heads and has GPUs; the requested one where it may not shrink or none fits."""
    least = recipe.min_tensor_parallel
    if tensor is None or least is None:
        return tensor
    room, heads = sum(max(0, count) for count in free.values()), head_counts(arch)
    sizes = range(min(tensor, room), least - 1, -1)
    return next((n for n in sizes if all(divides(n, c) for c in heads)), tensor)


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


def largest_split(arch: Architecture, gpus: int) -> int:
    """The most ranks up to `gpus` over which the attention heads divide."""
    heads = head_counts(arch)
    fitting = [n for n in range(1, gpus + 1) if all(divides(n, count) for count in heads)]
    return max(fitting, default=1)


def split_for(
    recipe: Recipe, model: Model, hosts: Sequence[HostFacts], free: Mapping[str, int]
) -> tuple[int, int]:
    """(tensor, pipeline) of the fewest ranks that hold the model and one request of full length;
    the most that there are where none do, so that what is missing can be said of them. Where the
    heads cannot be divided so, layers are: three hosts hold a model as three stages."""
    heads = head_counts(model.architecture)
    most, stages = (1, 1), None
    for ranks in range(1, sum(max(0, count) for count in free.values()) + 1):
        chosen = choose_hosts(ranks, free, hosts, whole=False)
        if chosen is None:
            break
        divided = all(divides(ranks, count) for count in heads)
        if not divided and (stages or len(chosen) < ranks):
            continue
        sizes = split(ranks, chosen) if divided else (1, ranks)
        fits = fit_of(recipe, model, Placement(chosen, *sizes), ask_free=False).fits
        if divided and fits:
            return sizes
        most = sizes if divided else most
        stages = sizes if fits else stages
    return stages or most


def fit_of(recipe: Recipe, model: Model, placement: Placement, *, ask_free: bool) -> Fit:
    """The placement's memory, judged; `ask_free`: whether what others hold counts."""
    memory = memory_of(placement.hosts, shares(placement), ask_free=ask_free)
    ranks, arch = placement.ranks // placement.data, model.architecture
    serving = serving_of(recipe, arch, memory.total, ranks, memory.gpu)
    split = Split(placement.tensor, placement.pipeline, serving.expert, placement.data)
    return judge(model, split, serving, memory)


def shares(placement: Placement) -> list[int]:
    """Ranks on each host."""
    left, found = placement.ranks, []
    for host in placement.hosts:
        take = min(left, max(1, host.gpu_count))
        found.append(take)
        left -= take
    return found


def head_counts(arch: Architecture) -> list[int]:
    """The counts that the tensor-parallel ranks must divide. MLA's latent is on every rank."""
    counts = [arch.heads] if arch.latent else [arch.heads, arch.kv_heads]
    return [count for count in counts if count]


def require_divisible(arch: Architecture, tensor: int) -> None:
    heads = head_counts(arch)
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
