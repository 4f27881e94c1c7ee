"""What a launch on a placement would meet, as findings of the check `memory`; pure."""

from collections.abc import Mapping, Sequence

from cluster.facts.hosts import HostFacts
from cluster.finding import Finding, State
from orchestrator.capacity.alternatives import Alternative, PlanRequest, more_hosts, nearest_fits
from orchestrator.capacity.fit import Model
from orchestrator.capacity.placement import Placement, fit_of
from orchestrator.recipes.recipe import Recipe

CHECK = "memory"


def fit_findings(
    recipe: Recipe,
    model: Model,
    placement: Placement,
    hosts: Sequence[HostFacts],
    used: Mapping[str, int],
) -> list[Finding]:
    """A failure where it cannot fit, with the nearest that does; a warning for what is guessed,
    and in place of a failure that rests on a guess. What vLLM refuses whatever the memory is never
    a guess."""
    fit = fit_of(recipe, model, placement, ask_free=True)
    request = PlanRequest(recipe, model, tuple(hosts), used, fit, more_hosts(hosts))
    alternatives = () if fit.fits else nearest_fits(request)
    where = ", ".join(host.node.name for host in placement.hosts)
    state: State = "failure" if fit.verdict == "does not fit" else "warning"
    hint = "; or ".join(map(words_to_type, alternatives)) or f"orchestrate plan {recipe.option}"
    found = [Finding(CHECK, where, state, problem, hint) for problem in fit.problems]
    return found + [Finding(CHECK, where, "warning", guess) for guess in fit.guesses]


def words_to_type(alternative: Alternative) -> str:
    return " ".join(alternative.words) or alternative.what
