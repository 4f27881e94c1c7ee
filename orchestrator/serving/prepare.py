"""Everything that is decided before a model is launched."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cluster.checks.finding import Finding
from cluster.checks.gate import enforce
from cluster.errors import OrchestrateError, PreflightError
from cluster.execution.plan import Plan
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.runtimes import runtime_of
from cluster.runtimes.service import Service
from cluster.start import started_by
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from orchestrator.capacity.checks import memory_findings
from orchestrator.capacity.fit import Model
from orchestrator.capacity.placement import Placement, fixed_split, place
from orchestrator.models.cache import find_model, prove_same, require_complete
from orchestrator.models.lockfile import ModelsLock, lock_path, read_lock
from orchestrator.models.revision import at_commit
from orchestrator.models.sizes import read_model
from orchestrator.recipes.hardware import hardware_name, load_hardware
from orchestrator.recipes.layer import Value
from orchestrator.recipes.layers import layered, merged
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.api_key import find_key
from orchestrator.serving.arguments import check_arguments
from orchestrator.serving.checks import launch_findings, software_findings
from orchestrator.serving.launch import plan_launch
from orchestrator.serving.made_of import with_recipe
from orchestrator.serving.media import media_findings, media_service
from orchestrator.serving.vllm import PREFIX, final_arguments, vllm_service


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    recipe: Recipe
    settings: Mapping[str, Value] = field(default_factory=dict)
    force: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Launch:
    """Everything decided before anything is started. `key` is the API key or nothing; `media`
    the service that serves files to vLLM, where the recipe has one.
    """

    plan: Plan
    service: Service
    placement: Placement
    cache: str
    locked: bool
    key: str = field(repr=False)
    forced: tuple[Finding, ...] = ()
    media: Service | None = None

    @property
    def runs_already(self) -> bool:
        return self.service not in started_by(self.plan)


def prepare(
    transport: Transport, config: ClusterConfig, request: Request, reporter: Reporter, *, dry: bool
) -> Launch:
    """Facts, checks, placement, plan. Nothing is started; `dry` leaves no trace on the hosts."""
    base, lock = request.recipe, read_lock(lock_path(config))
    asked = at_commit(base, merged(base, None, request.settings), lock, reporter)
    ports = [asked.port, *([asked.media.port] if asked.media else [])]
    facts = gather_facts(transport, config, ports=ports, survey=True)
    if not facts.hosts:
        raise PreflightError(*(p for lost in facts.unreached for p in lost.error.problems))
    gpus = [gpu for host in facts.hosts for gpu in host.gpus]
    made = layered(base, hardware_name(gpus, load_hardware()), request.settings)
    recipe = made.recipe.model_copy(update={"revision": asked.revision})
    models = find_model(
        transport, recipe, facts.hosts, reporter, make_with=None if dry else runtime_of(config)
    )
    model = read_model(transport, recipe, models)
    placement = place_on(facts, recipe, model)
    chosen = tuple(model for model in models if model.host in placement.hosts)
    require_complete(recipe, chosen)
    enforce(software_findings(placement), (), reporter)
    first = placement.hosts[0]
    arguments = final_arguments(recipe, placement)
    cache = side_by_side(
        lambda: check_arguments(
            transport, first, arguments, reporter, runtime_of(config), keep=not dry
        ),
        lambda: [] if dry else prove_same(transport, chosen),
    )
    key = find_key(transport, config, first)
    service = vllm_service(config, recipe, placement, chosen[0].path, key)
    service = with_recipe(service, made)
    existing = first.service(service.name)
    findings = launch_findings(config, facts, placement, service, existing)
    if not (existing and existing.alive):
        used = gpus_in_use(facts, besides=service.name)
        findings += memory_findings(recipe, model, placement, facts.hosts, used)
    media = media_service(config, recipe, first)
    findings += media_findings(config, first, media)
    forced = enforce([*cache, *findings], request.force, reporter)
    plan = plan_launch(config, first, service, media, key)
    locked = is_locked(lock, recipe, service)
    return Launch(plan, service, placement, said(cache), locked, key, forced, media)


def is_locked(lock: ModelsLock, recipe: Recipe, service: Service) -> bool:
    """Whether the lock holds the commit that this service runs."""
    commits = {each.commit for each in lock.models if each.model == recipe.model}
    return service.labels["commit"] in commits - {""}


def side_by_side(check: Callable[[], None], proof: Callable[[], list[Finding]]) -> list[Finding]:
    """What the proof says. Raises the error of the check, else that of the proof."""
    tasks: list[Callable[[], list[Finding] | None]] = [check, proof]
    outcomes = [outcome for _, outcome in gather(tasks, lambda task: task())]
    for outcome in outcomes:
        if isinstance(outcome, OrchestrateError):
            raise outcome
    return [found for outcome in outcomes if isinstance(outcome, list) for found in outcome]


def said(cache: Sequence[Finding]) -> str:
    return "; ".join(found.what for found in cache if found.state == "pass") or "not the same"


def place_on(facts: Facts, recipe: Recipe, model: Model) -> Placement:
    """Raises PreflightError that also names the hosts which could not be asked."""
    lost = [problem for each in facts.unreached for problem in each.error.problems]
    if lost and recipe.spread == "all" and fixed_split(recipe) == (None, None):
        raise PreflightError(*lost)  # every GPU was asked for
    name = PREFIX + recipe.name
    used = gpus_in_use(facts, besides=name)
    try:
        return place(recipe, model, facts.hosts, used)
    except PreflightError as error:
        raise PreflightError(*error.problems, *lost) from None


def gpus_in_use(facts: Facts, *, besides: str = "") -> dict[str, int]:
    """GPUs by host name that other models of this cluster have."""
    counted: Counter[str] = Counter()
    for host in facts.hosts:
        for service in host.services:
            if service.alive and service.name != besides:
                counted.update(service.labels.get("gpus", {}))
    return dict(counted)
