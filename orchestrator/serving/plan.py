"""The verb `plan`: what fits where, before anything starts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.errors import PreflightError, Problem
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.cost import CostTable, HourlyCost, hourly_cost
from cluster.reporter import Reporter
from cluster.transport.protocol import Transport
from orchestrator.capacity.alternatives import Alternative, PlanRequest, more_hosts, nearest_fits
from orchestrator.capacity.checks import words_to_type
from orchestrator.capacity.fit import CONTEXTS, Fit, Model
from orchestrator.capacity.hardware import hosts_of, more_of
from orchestrator.capacity.overhead import Estimate, total
from orchestrator.capacity.placement import Placement, fit_of, place_model, shares
from orchestrator.models.cache import ModelFiles, find_model, require_complete
from orchestrator.models.lockfile import ModelsLock, lock_path, read_lock
from orchestrator.models.name import Folder, name_of
from orchestrator.models.sizes import made_model, model_on_hosts, model_on_hub, model_without_hosts
from orchestrator.recipes.hardware import hardware_on, load_hardware
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.endpoint import gpus_in_use
from orchestrator.serving.resolve import ServeRequest, resolve_to_show
from orchestrator.serving.vllm import PREFIX, final_arguments, option_words

SPARE = 0.05  # of the KV cache: what the estimate may be wrong by, and some room


@dataclass(frozen=True)
class Gpus:
    """GPUs of one host that hold the same; bytes of each. `free` is what vLLM leaves alone."""

    host: str
    count: int
    stage: int
    total: int
    weights: int
    overhead: int
    kv_cache: int
    free: int


@dataclass(frozen=True)
class Context:
    """Requests of one length: KV bytes of one on the fullest GPU, and how many at once."""

    tokens: int
    kv_bytes: int
    at_once: int
    verdict: str


@dataclass(frozen=True)
class PlanReport:
    """Sizes in bytes and tokens. `verdict` is "fits", "may fit" (something of it is a guess) or
    "does not fit"; `fits` is false for the last alone. `kv_range`: tokens where the overhead is as
    large, and as small, as it may be."""

    recipe: str
    model: str
    source: str
    hardware: str
    split: str
    verdict: str
    fits: bool
    problems: tuple[str, ...]
    guesses: tuple[str, ...]
    gpus: tuple[Gpus, ...]
    weights: Mapping[str, int]
    overhead: tuple[Estimate, ...]
    kv_tokens: int
    kv_range: tuple[int, int]
    longest: int
    max_model_len: int
    at_once: Mapping[str, int]
    contexts: tuple[Context, ...]
    flags: tuple[str, ...]
    nearest: tuple[Alternative, ...] = field(default=())
    cost: HourlyCost | None = None
    measured: tuple[str, ...] = ()


def plan_on_hosts(
    transport: Transport, config: ClusterConfig, request: ServeRequest, reporter: Reporter
) -> PlanReport:
    """On the inventory's hosts as they are now. Raises PreflightError when no host answers."""
    facts = gather_facts(transport, config)
    if not facts.hosts:
        raise PreflightError(*facts.lost)
    recipe = recipe_for(request, read_lock(lock_path(config)), facts.hosts, reporter)
    found = find_model(transport, recipe, facts.hosts, reporter, make_with=None)
    model = model_on_hosts(transport, recipe, found) or model_off_hosts(recipe, found, reporter)
    used = gpus_in_use(facts, besides=PREFIX + recipe.name)
    report = plan_for(PlanRequest(recipe, model, facts.hosts, used, None, more_hosts(facts.hosts)))
    return plan_with_cost(report, config.cost)


def plan_on_hardware(
    hardware: str,
    request: ServeRequest,
    lock: ModelsLock,
    prices: CostTable | None,
    reporter: Reporter,
) -> PlanReport:
    """On hardware that need not exist: no host is asked."""
    known = load_hardware()
    hosts = hosts_of(hardware, known)
    recipe = recipe_for(request, lock, hosts, reporter)
    model = model_without_hosts(recipe, reporter)
    report = plan_for(PlanRequest(recipe, model, hosts, {}, None, more_of(hardware, known)))
    return plan_with_cost(report, prices) if prices else report


def model_off_hosts(recipe: Recipe, found: Sequence[ModelFiles], reporter: Reporter) -> Model:
    """Where no host has it whole. Raises PreflightError for a folder, which only hosts can have."""
    name = name_of(recipe)
    if isinstance(name, Folder):
        require_complete(recipe, found)
    if not name.on_hub:
        return made_model(recipe)
    reporter.tell(f"no host has {recipe.model} whole: asking the hub for its sizes")
    return model_on_hub(recipe, reporter)


def plan_with_cost(report: PlanReport, prices: CostTable) -> PlanReport:
    """With the hour of the GPUs that it would use."""
    gpus: Counter[str] = Counter()
    for each in report.gpus:
        gpus[each.host] += each.count
    return replace(report, cost=hourly_cost(prices, gpus))


def recipe_for(
    request: ServeRequest, lock: ModelsLock, hosts: Sequence[HostFacts], reporter: Reporter
) -> Recipe:
    return resolve_to_show(request, lock, hardware_on(hosts), reporter).recipe


def plan_for(request: PlanRequest) -> PlanReport:
    """Pure. Raises PreflightError, with what would fit, for a split that there are no GPUs for."""
    recipe, model = request.recipe, request.model
    try:
        placement = place_model(recipe, model, request.hosts, request.used)
    except PreflightError as error:
        raise no_split(request, error.problems[0].what) from None
    fit = fit_of(recipe, model, placement, ask_free=True)
    arguments = final_arguments(recipe, placement)
    longest = max(1, model.architecture.positions or fit.longest)
    return PlanReport(
        recipe=recipe.name,
        model=recipe.model,
        source=model.source,
        hardware=gpu_names(placement),
        split=str(placement),
        verdict=fit.verdict,
        fits=fit.verdict != "does not fit",
        problems=fit.problems,
        guesses=fit.guesses,
        gpus=tuple(gpus_rows(placement, fit)),
        weights=fit.weights.parts,
        overhead=fit.overheads[fit.least],
        kv_tokens=fit.kv_tokens,
        kv_range=fit.kv_range,
        longest=fit.longest,
        max_model_len=fit.serving.max_model_len,
        at_once={
            "8k": fit.at_once(8192),
            "32k": fit.at_once(32768),
            "full": fit.at_once(fit.serving.max_model_len),
        },
        contexts=tuple(context_row(fit, tokens, longest) for tokens in CONTEXTS),
        flags=tuple(word for key, value in arguments.items() for word in option_words(key, value)),
        nearest=() if fit.fits else nearest_fits(replace(request, fit=fit)),
    )


def no_split(request: PlanRequest, what: str) -> PreflightError:
    fits = nearest_fits(request)
    hints = [f"{words_to_type(alternative)} ({alternative.what})" for alternative in fits]
    what = f"{request.recipe.name} does not fit: {what}"
    return PreflightError(Problem(what, "plan", "; or ".join(hints)))


def gpu_names(placement: Placement) -> str:
    counts: dict[str, int] = {}
    for host, ranks in zip(placement.hosts, shares(placement), strict=True):
        name = host.gpus[0].name if host.gpus else "CPU"
        counts[name] = counts.get(name, 0) + ranks
    return ", ".join(f"{count} x {name}" for name, count in counts.items())


def gpus_rows(placement: Placement, fit: Fit) -> list[Gpus]:
    """One for each host and stage, in the order of the ranks."""
    found: dict[tuple[str, int], int] = {}
    rank = 0
    for host, ranks in zip(placement.hosts, shares(placement), strict=True):
        for _ in range(ranks):
            key = (host.node.name, rank // placement.tensor)
            found[key] = found.get(key, 0) + 1
            rank += 1
    return [gpus_row(fit, host, stage, count) for (host, stage), count in found.items()]


def gpus_row(fit: Fit, host: str, stage: int, count: int) -> Gpus:
    weights, overhead = fit.weights.stages[stage], total(fit.overheads[stage])
    cache = fit.blocks * fit.cache.block_bytes(fit.stages[stage])
    size = fit.memory.total or (fit.memory.free or 0)
    return Gpus(
        host=host,
        count=count,
        stage=stage,
        total=size,
        weights=weights,
        overhead=overhead,
        kv_cache=cache,
        free=size - weights - overhead - cache,
    )


def context_row(fit: Fit, tokens: int, longest: int) -> Context:
    at_once = fit.at_once(tokens)
    spare = (fit.blocks - fit.cache.blocks_for(tokens)) / max(1, fit.blocks)
    if tokens > longest:
        verdict = "longer than the model knows"
    elif fit.verdict == "may fit":
        verdict = "may fit" if at_once else "may not fit"
    elif not at_once:
        verdict = "does not fit"
    elif at_once > 1:
        verdict = "safe"
    else:
        verdict = "fits" if spare >= SPARE else "experimental"
    return Context(tokens, fit.kv_bytes(tokens), at_once, verdict)
