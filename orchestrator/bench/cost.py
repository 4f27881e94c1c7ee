"""What a measured step costs, and when keeping a model warm pays off; pure.

The hour is split between input and output tokens by time: the share of the answers' time
before the first token is the input's. It is measured at the lightest step of the run, where the
fewest requests wait. Both shares together are the whole hour.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cluster.inventory.cost import HourlyCost
from orchestrator.bench.figures import Figure, Metric, StepResult

MILLION, HOUR_S, DAY_S = 1_000_000, 3600, 86_400


@dataclass(frozen=True)
class DayCost:
    """One day with `requests` requests, spread evenly, at one step's speed.

    `warm` keeps `servers` of this size up all day; `on_demand` loads one for every request, but
    never costs more than the day. `request` is the cheaper of the two, for each request.
    """

    step: str
    requests: float
    servers: int
    warm: float
    on_demand: float | None
    request: float


@dataclass(frozen=True)
class WarmCost:
    """Warm or on demand, where loading takes `load_s`, in which nothing is served.

    Stopping saves `saved_hour`; depreciation continues. It pays off where the model would be idle
    for more than `idle_minutes`; if every request comes alone, below `requests_a_day` of them.
    """

    load_s: float
    saved_hour: float
    idle_minutes: float
    requests_a_day: float


@dataclass(frozen=True)
class RunCost:
    """`input_share` of the hour is charged to input tokens."""

    cost: HourlyCost
    input_share: float
    days: tuple[DayCost, ...] = ()
    keeping: WarmCost | None = None


def cost_metrics(currency: str) -> dict[str, Metric]:
    return {
        "cost_per_million_tokens": Metric("per million tokens, both kinds", currency),
        "cost_per_million_input_tokens": Metric("per million input tokens", currency),
        "cost_per_million_output_tokens": Metric("per million output tokens", currency),
        "cost_per_request": Metric("per request", currency),
    }


def input_share(steps: Sequence[StepResult]) -> float:
    """Of the step with the fewest requests in flight."""
    measured = [step for step in steps if step.answered]
    return min(measured, key=lambda step: step.in_flight).prefill_share if measured else 0.0


def with_cost(step: StepResult, cost: HourlyCost, share: float) -> StepResult:
    """The step with what its tokens and requests cost at its own speed."""
    return replace(step, figures={**step.figures, **costs_of(step.figures, cost, share)})


def costs_of(figures: Mapping[str, Figure], cost: HourlyCost, share: float) -> dict[str, Figure]:
    costs: dict[str, Figure] = {}

    def put(key: str, rate: Figure | None, price: float, count: int) -> None:
        if rate is not None and rate.low > 0:
            costs[key] = rate.through(lambda each: price * count / (each * HOUR_S))

    out, inp = figures.get("output_tokens_per_s"), figures.get("input_tokens_per_s")
    if out and inp:
        both = Figure(out.value + inp.value, out.low + inp.low, out.high + inp.high)
        put("cost_per_million_tokens", both, cost.hour, MILLION)
    put("cost_per_million_input_tokens", inp, cost.hour * share, MILLION)
    put("cost_per_million_output_tokens", out, cost.hour * (1 - share), MILLION)
    put("cost_per_request", figures.get("requests_per_s"), cost.hour, 1)
    return costs


def warm_cost(cost: HourlyCost, load_s: float, request_s: float) -> WarmCost:
    """`request_s` is how long a single request takes."""
    return WarmCost(load_s, cost.running, load_s / 60, DAY_S / (load_s + request_s))


def day_cost(
    step: StepResult, cost: HourlyCost, requests: float, load_s: float | None
) -> DayCost | None:
    """None where the step answered nothing."""
    rate, whole = step.figures.get("requests_per_s"), step.figures.get("whole_p50_s")
    if rate is None or whole is None or not rate.value:
        return None
    servers = max(1, math.ceil(requests / (rate.value * DAY_S)))
    warm, on_demand = servers * cost.day, None
    if load_s is not None:
        up_s = min(requests * (load_s + whole.value), servers * DAY_S)
        on_demand = servers * 24 * cost.fixed + up_s / HOUR_S * cost.running
    best = min(warm, on_demand if on_demand is not None else warm)
    return DayCost(step.step.label, requests, servers, warm, on_demand, best / requests)


def run_cost(
    steps: Sequence[StepResult], cost: HourlyCost, daily: float | None, load_s: float | None
) -> RunCost:
    """What the options ask for: a day for each step, and the comparison with loading."""
    days = [day_cost(step, cost, daily, load_s) for step in steps] if daily else []
    alone = [s.figures["whole_p50_s"].value for s in steps if "whole_p50_s" in s.figures]
    keeping = warm_cost(cost, load_s, min(alone)) if load_s is not None and alone else None
    return RunCost(cost, input_share(steps), tuple(day for day in days if day), keeping)
