"""Everything that is decided before a model is launched."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cluster.checks.gate import enforce
from cluster.errors import OrchestrateError, PreflightError
from cluster.execution.plan import Plan
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.runtimes import runtime_of
from cluster.runtimes.service import Service
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from orchestrator.capacity.checks import fit_findings
from orchestrator.capacity.fit import Model
from orchestrator.capacity.placement import Placement, fixed_split, place_model
from orchestrator.models.cache import ModelFiles, find_model, prove_same, require_complete
from orchestrator.models.lockfile import ModelsLock, lock_path, read_lock
from orchestrator.models.sizes import read_model
from orchestrator.recipes.hardware import hardware_on
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.api_key import find_key
from orchestrator.serving.arguments import check_arguments
from orchestrator.serving.checks import launch_findings, software_findings
from orchestrator.serving.endpoint import gpus_in_use, require_endpoint
from orchestrator.serving.launch import plan_launch
from orchestrator.serving.made_of import with_recipe
from orchestrator.serving.media import media_findings, media_service
from orchestrator.serving.resolve import Resolved, ServeRequest, resolve
from orchestrator.serving.tool_parser import parser_findings, template_of
from orchestrator.serving.vllm import PREFIX, final_arguments, vllm_service


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
        return self.service not in self.plan.starts()


@dataclass(frozen=True)
class LaunchFacts:
    """What the hosts are like, and what they have of the model."""

    facts: Facts
    resolved: Resolved
    models: tuple[ModelFiles, ...]
    model: Model


@dataclass(frozen=True)
class PlacedModel:
    """Where it goes, and the model's files there."""

    placement: Placement
    models: tuple[ModelFiles, ...]

    @property
    def first(self) -> HostFacts:
        return self.placement.hosts[0]


@dataclass(frozen=True)
class LaunchServices:
    """vLLM, the media server where the recipe has one, and the API key or nothing."""

    vllm: Service
    media: Service | None
    key: str = field(repr=False)


@dataclass(frozen=True)
class CheckOutcome:
    """What the cache is known to be, and the failing checks that were forced."""

    cache: str
    forced: tuple[Finding, ...]


def prepare(
    transport: Transport,
    config: ClusterConfig,
    request: ServeRequest,
    reporter: Reporter,
    *,
    dry: bool,
) -> Launch:
    """Nothing is started; `dry` leaves no trace on the hosts."""
    work = Preparation(transport, config, request, reporter, dry)
    asked = work.resolve()
    gathered = work.gather(asked)
    placed = work.place(gathered)
    services = work.services(gathered, placed)
    checked = work.check(gathered, placed, services)
    return work.plan(gathered, placed, services, checked)


@dataclass(frozen=True)
class Preparation:
    """The six steps before a launch; each takes what the ones before it have found."""

    transport: Transport
    config: ClusterConfig
    request: ServeRequest
    reporter: Reporter
    dry: bool

    @cached_property
    def lock(self) -> ModelsLock:
        return read_lock(lock_path(self.config))

    def resolve(self) -> Resolved:
        """Before any host is asked: which commit, which ports."""
        asked = resolve(self.request, self.lock, None)
        if asked.note:
            self.reporter.tell(asked.note)
        return asked

    def gather(self, asked: Resolved) -> LaunchFacts:
        """Raises PreflightError where no host answers."""
        media = asked.recipe.media
        ports = [asked.recipe.port, *([media.port] if media else [])]
        facts = gather_facts(self.transport, self.config, ports=ports, survey=True)
        if not facts.hosts:
            raise PreflightError(*facts.lost)
        found = resolve(self.request, self.lock, hardware_on(facts.hosts))
        make_with = None if self.dry else runtime_of(self.config)
        models = find_model(
            self.transport, found.recipe, facts.hosts, self.reporter, make_with=make_with
        )
        return LaunchFacts(facts, found, models, read_model(self.transport, found.recipe, models))

    def place(self, gathered: LaunchFacts) -> PlacedModel:
        """Raises PreflightError where it does not fit, files are missing, or vLLM is."""
        placement = place_on(gathered.facts, gathered.resolved.recipe, gathered.model)
        models = tuple(each for each in gathered.models if each.host in placement.hosts)
        require_complete(gathered.resolved.recipe, models)
        enforce(software_findings(placement), (), self.reporter)
        return PlacedModel(placement, models)

    def services(self, gathered: LaunchFacts, placed: PlacedModel) -> LaunchServices:
        recipe = gathered.resolved.recipe
        key = find_key(self.transport, self.config, placed.first)
        vllm = vllm_service(self.config, recipe, placed.placement, placed.models[0].path, key)
        vllm = with_recipe(vllm, gathered.resolved.layers)
        return LaunchServices(vllm, media_service(self.config, recipe, placed.first), key)

    def check(
        self, gathered: LaunchFacts, placed: PlacedModel, services: LaunchServices
    ) -> CheckOutcome:
        """Raises ConfigError for arguments that vLLM refuses, PreflightError for all the rest."""
        cache = side_by_side(
            lambda: self._check_arguments(gathered, placed),
            lambda: [] if self.dry else prove_same(self.transport, placed.models),
        )
        findings = self._findings(gathered, placed, services)
        forced = enforce([*cache, *findings], self.request.force, self.reporter)
        return CheckOutcome(passes_of(cache), forced)

    def _check_arguments(self, gathered: LaunchFacts, placed: PlacedModel) -> None:
        arguments = final_arguments(gathered.resolved.recipe, placed.placement)
        runtime, keep = runtime_of(self.config), not self.dry
        check_arguments(self.transport, placed.first, arguments, self.reporter, runtime, keep=keep)

    def _findings(
        self, gathered: LaunchFacts, placed: PlacedModel, services: LaunchServices
    ) -> Iterator[Finding]:
        facts, recipe, vllm = gathered.facts, gathered.resolved.recipe, services.vllm
        existing = placed.first.service(vllm.name)
        yield from launch_findings(self.config, facts, placed.placement, vllm, existing)
        if not (existing and existing.alive):
            used = gpus_in_use(facts, besides=vllm.name)
            model = gathered.model
            yield from fit_findings(recipe, model, placed.placement, facts.hosts, used)
        yield from media_findings(self.config, placed.first, services.media)
        template = template_of(self.transport, placed.models[0], recipe.args)
        yield from parser_findings(recipe.args, template, recipe.name)

    def plan(
        self,
        gathered: LaunchFacts,
        placed: PlacedModel,
        services: LaunchServices,
        checked: CheckOutcome,
    ) -> Launch:
        vllm, media, key = services.vllm, services.media, services.key
        return Launch(
            plan=plan_launch(self.config, placed.first, vllm, media, key),
            service=vllm,
            placement=placed.placement,
            cache=checked.cache,
            locked=is_locked(self.lock, gathered.resolved.recipe, vllm),
            key=key,
            forced=checked.forced,
            media=media,
        )


def is_locked(lock: ModelsLock, recipe: Recipe, service: Service) -> bool:
    """Whether the lock holds the commit that this service runs."""
    commits = {each.commit for each in lock.models if each.model == recipe.model}
    return require_endpoint(service).commit in commits - {""}


def side_by_side(check: Callable[[], None], proof: Callable[[], list[Finding]]) -> list[Finding]:
    """What the proof says. Raises the error of the check, else that of the proof."""
    tasks: list[Callable[[], list[Finding] | None]] = [check, proof]
    outcomes = [outcome for _, outcome in gather(tasks, lambda task: task())]
    for outcome in outcomes:
        if isinstance(outcome, OrchestrateError):
            raise outcome
    return [found for outcome in outcomes if isinstance(outcome, list) for found in outcome]


def passes_of(cache: Sequence[Finding]) -> str:
    return "; ".join(found.what for found in cache if found.state == "pass") or "not the same"


def place_on(facts: Facts, recipe: Recipe, model: Model) -> Placement:
    """Raises PreflightError that also names the hosts which could not be asked."""
    lost = facts.lost
    if lost and recipe.spread == "all" and fixed_split(recipe) == (None, None):
        raise PreflightError(*lost)  # every GPU was asked for
    name = PREFIX + recipe.name
    used = gpus_in_use(facts, besides=name)
    try:
        return place_model(recipe, model, facts.hosts, used)
    except PreflightError as error:
        raise PreflightError(*error.problems, *lost) from None
