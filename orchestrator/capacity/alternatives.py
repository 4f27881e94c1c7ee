"""What would fit instead where a model does not, nearest first, with what to type; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from cluster.checks.memory import is_unified
from cluster.errors import OrchestrateError
from cluster.facts.hosts import HostFacts
from orchestrator.capacity.fit import Fit, Model
from orchestrator.capacity.gpu_memory import gpu_bytes
from orchestrator.capacity.placement import fit_of, place_model
from orchestrator.recipes.layer import Value
from orchestrator.recipes.recipe import Recipe

Hosts = tuple[HostFacts, ...]
STEP = 1024  # tokens; a context is rounded down to it
LEAST = 2048  # tokens; less is of no use
MOST_UTILIZATION = {True: 0.85, False: 0.94}  # unified memory freezes the host above 0.90
MOST_ALTERNATIVES = 4
MOST_GPUS = 64
PIPELINES = (1, 2, 4, 8)


@dataclass(frozen=True)
class ScaleUp:
    """More hardware than there is: what to call it, the words for it if words exist, its hosts."""

    what: str
    words: tuple[str, ...]
    hosts: Hosts


@dataclass(frozen=True)
class PlanRequest:
    """What was asked for. `fit` is None where there are too few GPUs to judge it."""

    recipe: Recipe
    model: Model
    hosts: Hosts
    used: Mapping[str, int]
    fit: Fit | None
    scale_ups: tuple[ScaleUp, ...]


@dataclass(frozen=True)
class Alternative:
    """One change that makes it fit; `words` are added to the command line, if words can do it."""

    what: str
    words: tuple[str, ...]
    longest: int
    split: str


def nearest_fits(request: PlanRequest) -> tuple[Alternative, ...]:
    """The smallest changes first, of other hardware the least."""
    found: list[Alternative] = []
    for what, args in argument_changes(request):
        alternative = alternative_with(request, args, ScaleUp(what, (), request.hosts))
        if alternative and alternative.words not in [each.words for each in found]:
            found.append(alternative)
        if len(found) == MOST_ALTERNATIVES - 1:
            break
    more = (
        alternative_with(request, args, scale_up)
        for scale_up in request.scale_ups
        for args in scale_up_args(scale_up)
    )
    return (*found, *[alternative for alternative in more if alternative][:1])


def alternative_with(
    request: PlanRequest, args: Mapping[str, Value], scale_up: ScaleUp
) -> Alternative | None:
    changed = request.recipe.model_copy(update={"args": {**request.recipe.args, **args}})
    try:
        placement = place_model(changed, request.model, scale_up.hosts, request.used)
    except OrchestrateError:
        return None
    fit = fit_of(changed, request.model, placement, ask_free=scale_up.hosts == request.hosts)
    if not fit.fits:
        return None
    words = tuple(f"--set {key}={setting_text(value)}" for key, value in args.items())
    return Alternative(scale_up.what, (*scale_up.words, *words), fit.longest, str(placement))


def setting_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def argument_changes(request: PlanRequest) -> Iterator[tuple[str, dict[str, Value]]]:
    fit, arch = request.fit, request.model.architecture
    if fit:
        most = MOST_UTILIZATION[any(map(is_unified, request.hosts))]
        if fit.serving.unified and fit.serving.utilization > most:
            yield "less of the memory that the host shares", {"gpu_memory_utilization": most}
        smaller = min(fit.longest, fit.serving.max_model_len - 1) // STEP * STEP
        if smaller >= LEAST:
            yield "a smaller context", {"max_model_len": smaller}
        if fit.split.tensor > 1 and arch.experts and not fit.split.expert:
            yield "whole experts on each rank", {"enable_expert_parallel": True}
        if fit.memory.total and fit.serving.utilization < most:
            yield "more of each GPU", {"gpu_memory_utilization": most}
    yield from other_splits(request)
    if gpu_bytes(request.hosts[0]):
        yield "a KV cache in FP8", {"kv_cache_dtype": "fp8"}
        if not arch.quantization:
            yield "weights in FP8, quantised while they load", {"quantization": "fp8"}


def other_splits(request: PlanRequest) -> Iterator[tuple[str, dict[str, Value]]]:
    """The same number of GPUs otherwise, then more and fewer of those there are."""
    here = sum(host.gpu_count for host in request.hosts)
    now = request.fit.split.ranks if request.fit else here
    wanted = {now, *(2**n for n in range(8)), here}
    for ranks in sorted(wanted, key=lambda n: (n != now, n < now, abs(n - now))):
        for pipeline in PIPELINES:
            if ranks > here or ranks % pipeline:
                continue
            split = request.fit.split if request.fit else None
            if split and (split.tensor, split.pipeline) == (ranks // pipeline, pipeline):
                continue
            args: dict[str, Value] = {"tensor_parallel_size": ranks // pipeline}
            if pipeline > 1 or "pipeline_parallel_size" in request.recipe.args:
                args["pipeline_parallel_size"] = pipeline
            yield "another split" if ranks == now else f"{ranks} GPUs", args
            if request.model.architecture.experts and ranks > pipeline:
                yield "another split, whole experts", {**args, "enable_expert_parallel": True}


def scale_up_args(scale_up: ScaleUp) -> Iterator[dict[str, Value]]:
    """As the recipe says, else over all that there is then."""
    yield {}
    count, per_host = len(scale_up.hosts), scale_up.hosts[0].gpu_count
    across = per_host > 1 and count > 1
    args: dict[str, Value] = {"tensor_parallel_size": per_host if across else per_host * count}
    if across:
        args["pipeline_parallel_size"] = count
    yield args


def more_hosts(hosts: Sequence[HostFacts]) -> tuple[ScaleUp, ...]:
    """Twice, four times ... as many hosts like the first."""
    per_host = max(1, hosts[0].gpu_count)
    counts = [2**n for n in range(1, 7) if len(hosts) < 2**n <= MOST_GPUS // per_host]
    return tuple(
        ScaleUp(
            f"{count} hosts with {per_host} such GPU{'s' if per_host > 1 else ''} each",
            (),
            (*hosts, *[another_host(hosts[0], number) for number in range(len(hosts), count)]),
        )
        for count in counts
    )


def another_host(host: HostFacts, number: int) -> HostFacts:
    """One more host of the same kind."""
    changed = {
        "name": f"host {number + 1}",
        "role": "worker",
        "fast_address": IPv4Address("203.0.113.0") + number,  # a documentation address
    }
    return host.model_copy(update={"node": host.node.model_copy(update=changed)})
