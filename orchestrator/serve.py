"""The verb `serve`: check, place, launch, wait until a real generation has come back."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cluster.config import ClusterConfig
from cluster.errors import HostsError, OrchestrateError, PreflightError
from cluster.execute import Tell, execute, gather
from cluster.facts import Facts, gather_facts
from cluster.finding import Finding
from cluster.lock import cluster_lock
from cluster.plan import Plan, Service
from cluster.preflight import audit_note, go_on
from cluster.start import started_by, take_back
from cluster.transport import Transport
from orchestrator.api_key import find_key, key_step
from orchestrator.arguments import check_arguments
from orchestrator.engine import PREFIX, final_arguments, vllm_service
from orchestrator.launch_plan import plan_launch
from orchestrator.layers import layered, merged
from orchestrator.load_watch import ServerDied
from orchestrator.lockfile import ModelsLock, lock_path, read_lock
from orchestrator.media import await_media, media_findings, media_service
from orchestrator.memory.findings import memory_findings
from orchestrator.memory.fit import Model
from orchestrator.memory.source import read_model
from orchestrator.model_cache import find_model, prove_same, require_complete
from orchestrator.placement import Placement, fixed_split, place
from orchestrator.preflight import launch_findings, software_findings
from orchestrator.ready import Ready, await_ready
from orchestrator.recipe import Recipe, Value, hardware_name, load_hardware
from orchestrator.revision import at_commit
from orchestrator.served_recipe import with_recipe


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


@dataclass(frozen=True)
class ServeReport:
    """A model that answers (or, detached, one that was started), and how long each step took.

    `commit` is empty where no hub knows the files; `locked` when models.lock names it.
    """

    recipe: str
    served_name: str
    url: str
    split: str
    commit: str
    locked: bool
    cache: str
    reached_from: str
    key_file: str
    ready: Ready | None
    seconds: float


def prepare(
    transport: Transport, config: ClusterConfig, request: Request, tell: Tell, *, dry: bool
) -> Launch:
    """Facts, checks, placement, plan. Nothing is started; `dry` leaves no trace on the hosts."""
    base, lock = request.recipe, read_lock(lock_path(config))
    asked = at_commit(base, merged(base, None, request.settings), lock, tell)
    ports = [asked.port, *([asked.media.port] if asked.media else [])]
    facts = gather_facts(transport, config, ports=ports, survey=True)
    if not facts.hosts:
        raise PreflightError(*(p for lost in facts.unreached for p in lost.error.problems))
    gpus = [gpu for host in facts.hosts for gpu in host.gpus]
    made = layered(base, hardware_name(gpus, load_hardware()), request.settings)
    recipe = made.recipe.model_copy(update={"revision": asked.revision})
    models = find_model(transport, recipe, facts.hosts, tell, make_missing=not dry)
    model = read_model(transport, recipe, models)
    placement = place_on(facts, recipe, model)
    chosen = tuple(model for model in models if model.host in placement.hosts)
    require_complete(recipe, chosen)
    go_on(software_findings(placement), (), tell)
    first = placement.hosts[0]
    arguments = final_arguments(recipe, placement)
    cache = side_by_side(
        lambda: check_arguments(transport, first, arguments, tell, keep=not dry),
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
    forced = go_on([*cache, *findings], request.force, tell)
    plan = plan_launch(config, first, service, media, key)
    locked = is_locked(lock, recipe, service)
    return Launch(plan, service, placement, said(cache), locked, key, forced, media)


def is_locked(lock: ModelsLock, recipe: Recipe, service: Service) -> bool:
    """Whether the lock holds the commit that this service runs."""
    commits = {each.commit for each in lock.models if each.model == recipe.model}
    return service.about["commit"] in commits - {""}


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
                counted.update(service.about.get("gpus", {}))
    return dict(counted)


def serve(
    transport: Transport, config: ClusterConfig, request: Request, tell: Tell, *, detach: bool
) -> ServeReport:
    """Launch and wait; what does not come to an answer, or Ctrl-C, is taken back."""
    begun = time.monotonic()
    with cluster_lock(transport, config) as lock:
        launch = prepare(transport, config, request, tell, dry=False)
        lock.audit(audit_line(launch))
        ready = None
        if launch.runs_already:
            tell(f"{launch.service.name} runs already")
        limit_s = config.serve.ready_timeout_s
        try:
            execute(launch.plan, transport, tell)
            if launch.media in started_by(launch.plan):
                await_media(transport, launch.media)
            if not detach:
                service, key = launch.service, launch.key
                ready = await_ready(transport, service, limit_s=limit_s, key=key, tell=tell)
        except BaseException as error:
            if started := started_by(launch.plan):
                take_back(started, transport, tell, keep_record=died(error))
            raise
    return report_of(config, launch, ready, time.monotonic() - begun)


def audit_line(launch: Launch) -> str:
    what = "(runs already)" if launch.runs_already else launch.service.command
    return f"{launch.plan.title} {what}{audit_note(launch.forced)}"


def died(error: BaseException) -> bool:
    """The server ended by itself: what it left is for `status` and `logs` to show."""
    failures = error.failures if isinstance(error, HostsError) else ()
    return any(isinstance(each, ServerDied) for each in failures)


def report_of(
    config: ClusterConfig, launch: Launch, ready: Ready | None, seconds: float
) -> ServeReport:
    about = launch.service.about
    return ServeReport(
        recipe=about["recipe"],
        served_name=about["served_name"],
        url=f"http://{about['host']}:{about['port']}/v1",
        split=about["split"],
        commit=about["commit"],
        locked=launch.locked,
        cache=launch.cache,
        reached_from=launch.service.node.name,
        key_file=key_step(config, launch.placement.hosts[0], "").path if launch.key else "",
        ready=ready,
        seconds=seconds,
    )
