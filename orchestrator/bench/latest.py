"""Costs by the newest bench of a recipe, at today's prices: for `plan` and `status`."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cluster.inventory.cost import HourlyCost, amount
from orchestrator.bench.compare import RunRecord, label_of
from orchestrator.bench.cost import costs_of
from orchestrator.bench.figures import Figure
from orchestrator.records.artifact import ROOT

BEYOND = (RecursionError, ArithmeticError)  # of a file that was changed
FIGURES = {
    "cost_per_request": "a request",
    "cost_per_million_input_tokens": "a million input tokens",
    "cost_per_million_output_tokens": "a million output tokens",
}


def measured_costs(recipe: str, cost: HourlyCost, root: Path = ROOT) -> tuple[str, ...]:
    """Lines of text; none where `root` has no readable bench of this recipe."""
    for path in sorted(root.glob(f"bench/*-{recipe}/result.json"), reverse=True):
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, *BEYOND):
            record = json.loads(path.read_text("utf-8"))
            if record["server"]["recipe"] == recipe:
                return tuple(cost_lines(record, cost))
    return ()


def cost_lines(record: RunRecord, cost: HourlyCost) -> Iterator[str]:
    """At the step with the most output tokens a second; a day if that bench was run with one."""
    result = record["result"]
    steps = [step for step in result["steps"] if step["answered"]]
    if not steps:
        return
    best = max(steps, key=lambda step: step["figures"]["output_tokens_per_s"]["value"])
    share = min(steps, key=lambda step: step["in_flight"])["prefill_share"]
    figures = {key: Figure(**each) for key, each in best["figures"].items()}
    costs = costs_of(figures, cost, share)
    texts = [
        f"{amount(costs[k].value, cost.currency)} {w}" for k, w in FIGURES.items() if k in costs
    ]
    when = record["started"][:16].replace("T", " ")
    yield f"{', '.join(texts)}: bench of {when}, {label_of(best['step'])}"
    money = result.get("money") or {}
    if (money.get("cost") or {}).get("hour") != cost.hour:  # prices or GPUs have changed since
        return
    for day in money.get("days", []):
        if day["step"] == label_of(best["step"]):
            yield day_line(day, cost.currency)
    if warm := money.get("keeping"):
        idle = f"{warm['idle_minutes']:.1f} minutes"
        yield f"stopping pays off where it would be idle for longer than {idle}, the time to load"


def day_line(day: RunRecord, currency: str) -> str:
    text = f"{day['requests']:,.0f} requests a day: {amount(day['warm'], currency)} kept warm"
    if day["on_demand"] is None:
        return text
    return f"{text}, {amount(day['on_demand'], currency)} loaded for each request"
