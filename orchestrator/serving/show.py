"""The verb `models show`: what would be served, and where each of its values comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.facts.gather import gather_facts
from cluster.host.masking import argv_shown, env_shown, options_shown, without_userinfo_in
from cluster.inventory.config import ClusterConfig
from cluster.inventory.problems import nearest
from cluster.ray.environment import network_environment
from cluster.reporter import Reporter
from cluster.transport.protocol import Transport
from orchestrator.capacity.placement import Placement
from orchestrator.models.cache import ModelFiles, find_model
from orchestrator.models.lockfile import ModelsLock
from orchestrator.models.sizes import read_model
from orchestrator.recipes.hardware import hardware_on, load_hardware
from orchestrator.recipes.layers import Layered, Setting, settings_by_key
from orchestrator.serving.prepare import place_on
from orchestrator.serving.resolve import ServeRequest, resolve_to_show
from orchestrator.serving.vllm import PREFIX, chosen_arguments, own_environment, vllm_service


@dataclass(frozen=True)
class ShowReport:
    """A recipe as it would be served. `note` says what could not be known, and why."""

    name: str
    description: str
    source: str
    hardware: str
    split: str
    note: str
    fields: Mapping[str, Setting]
    args: Mapping[str, Setting]
    env: Mapping[str, Setting]
    command: tuple[str, ...] = field(default=())


def show_recipe(
    request: ServeRequest, lock: ModelsLock, hardware: str | None, reporter: Reporter, *, note: str
) -> ShowReport:
    """Without a host: the recipe on this hardware, before its split is chosen."""
    found = resolve_to_show(request, lock, hardware, reporter)
    return show_report(found.layers, hardware, note=note)


def show_on_hosts(
    transport: Transport,
    config: ClusterConfig,
    request: ServeRequest,
    lock: ModelsLock,
    reporter: Reporter,
) -> ShowReport:
    """With what the hosts are like now; where they do not say, the recipe alone and a note."""
    reporter.tell(f"asking {len(config.node)} hosts")
    facts = gather_facts(transport, config)
    if not facts.hosts:
        reason = facts.unreached[0].error.problems[0]
        return show_recipe(request, lock, None, reporter, note=f"no host answers ({reason.what})")
    hardware = hardware_on(facts.hosts)
    found = resolve_to_show(request, lock, hardware, reporter)
    try:
        model = find_model(transport, found.recipe, facts.hosts, reporter, make_with=None)[0]
        if model.problem:
            where = f"{model.problem} on {model.host.node.name}"
            return show_report(
                found.layers, hardware, note=f"no split yet, it follows from the files: {where}"
            )
        sizes = read_model(transport, found.recipe, (model,))
        placement = place_on(facts, found.recipe, sizes)
    except OrchestrateError as error:
        return show_report(found.layers, hardware, note=error.problems[0].what)
    return report_with_split(config, found.layers, hardware, placement, model)


def known_hardware(name: str | None) -> str | None:
    """Raises UsageError with the profiles that there are."""
    known = load_hardware()
    if name is not None and name not in known:
        raise UsageError(Problem(f"no hardware `{name}`", "--hardware", nearest(name, known)))
    return name


def report_with_split(
    config: ClusterConfig,
    found: Layered,
    hardware: str | None,
    placement: Placement,
    model: ModelFiles,
) -> ShowReport:
    """As `serve` would launch it now."""
    host, recipe = placement.hosts[0], found.recipe
    name = host.node.name
    args = (*found.args, ("placement", chosen_arguments(recipe, placement)))
    env = (
        ("orchestrate", own_environment(config, placement, PREFIX + recipe.name)),
        (f"network of {name}", network_environment(host)),
        *found.env,
        (f"nodes.toml, env of {name}", host.node.env),
    )
    service = vllm_service(config, recipe, placement, model.path)
    whole = show_report(replace(found, args=args, env=env), hardware, note="")
    return replace(whole, split=str(placement), command=argv_shown(service.command.argv))


def show_report(found: Layered, hardware: str | None, *, note: str) -> ShowReport:
    recipe = found.recipe
    return ShowReport(
        name=recipe.name,
        description=recipe.description,
        source=recipe.source,
        hardware=hardware or "no profile",
        split="",
        note=note,
        fields=settings_by_key(tuple((o, without_userinfo_in(each)) for o, each in found.fields)),
        args=settings_by_key(tuple((o, options_shown(each)) for o, each in found.args)),
        env=settings_by_key(tuple((o, env_shown(each)) for o, each in found.env)),
    )
