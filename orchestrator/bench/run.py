"""The verb `bench`: a ladder of loads on a live model; an early stop keeps what was measured."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cluster.errors import OrchestrateError
from cluster.inventory.cost import HourlyCost, hourly_cost
from cluster.reporter import Reporter
from orchestrator.api.target import Target
from orchestrator.bench.cost import RunCost, input_share, run_cost, with_cost
from orchestrator.bench.figures import StepResult, step_result
from orchestrator.bench.request_record import Repeat
from orchestrator.bench.runner import run_step, token_pool
from orchestrator.bench.workload import LoadStep, PromptSource, Workload

STOPPED_BY_USER = "interrupted"
BUSY_CLIENT = 0.8  # of one core: beyond it the load generator may be the bottleneck
LATE_S = 0.05


@dataclass(frozen=True)
class BenchReport:
    """`stopped` is empty, or why steps are missing. `notes` are what a reader must know."""

    url: str
    model: str
    recipe: str
    workload: Workload
    exact_lengths: bool
    steps: tuple[StepResult, ...]
    stopped: str = ""
    notes: tuple[str, ...] = ()
    money: RunCost | None = None

    @property
    def good(self) -> bool:
        """Whether every request of every step was answered."""
        return bool(self.steps) and not self.stopped and not any(s.failures for s in self.steps)


@dataclass(frozen=True)
class BenchRequest:
    """What the user wants: the load, and what to compute costs for."""

    load: Workload
    daily_requests: float | None = None
    load_s: float | None = None


@dataclass(frozen=True)
class BenchResult:
    """The report, and every request behind it."""

    report: BenchReport
    repeats: tuple[Repeat, ...] = field(repr=False)


def bench(target: Target, request: BenchRequest, reporter: Reporter) -> BenchResult:
    """Runs step after step. Ctrl-C, or a server that no longer answers, ends the run early."""
    load = request.load
    pool = token_pool(target)
    salt = f"orchestrate bench {datetime.now(UTC).isoformat()}"
    prompts = PromptSource(target.model, load, pool, salt)
    taken: dict[LoadStep, list[Repeat]] = {}
    stopped = ""
    try:
        for step in load.steps:
            taken[step] = []
            asyncio.run(run_step(target, prompts, step, taken[step], reporter))
    except KeyboardInterrupt:
        stopped = STOPPED_BY_USER
    except OrchestrateError as error:
        if not any(repeat.number for repeats in taken.values() for repeat in repeats):
            raise
        stopped = "; ".join(problem.what for problem in error.problems)
    report = bench_report(target, request, taken, bool(pool))
    every = tuple(repeat for repeats in taken.values() for repeat in repeats)
    return BenchResult(replace(report, stopped=stopped), every)


def bench_report(
    target: Target, request: BenchRequest, taken: Mapping[LoadStep, Iterable[Repeat]], exact: bool
) -> BenchReport:
    load = request.load
    found = [step_result(step, repeats, load.output_tokens) for step, repeats in taken.items()]
    steps = tuple(step for step in found if step.repeats)
    cost = cost_of(target)
    money = run_cost(steps, cost, request.daily_requests, request.load_s) if cost else None
    if money:
        steps = tuple(with_cost(step, money.cost, input_share(steps)) for step in steps)
    return BenchReport(
        url=target.shown,
        model=target.model,
        recipe=target.recipe,
        workload=load,
        exact_lengths=exact,
        steps=steps,
        notes=tuple(notes_of(steps, load, exact)),
        money=money,
    )


def cost_of(target: Target) -> HourlyCost | None:
    """Of the GPUs that the model has; None for a bare address, whose machines are unknown."""
    home = target.home
    return hourly_cost(home.config.cost, home.endpoint.gpus) if home else None


def notes_of(steps: Iterable[StepResult], load: Workload, exact: bool) -> Iterable[str]:
    """What limits the meaning of the figures."""
    if not exact:
        yield "this server has no /tokenize: prompts are counted in words, not tokens"
    for each in steps:
        yield from (f"{each.step.label}: {note}" for note in step_notes(each, load.output_tokens))


def step_notes(step: StepResult, wanted: int) -> Iterable[str]:
    if step.failures:
        total = step.failures + step.answered
        yield f"{step.failures} of {total} requests failed; latencies are those of the rest"
    for kind, what in step.what.items():
        yield f"{step.failed[kind]} {kind}, such as: {what}"
    if step.short:
        yield f"{step.short} answers have fewer than {wanted} tokens"
    if step.uncounted:
        yield (
            f"{step.uncounted} answers came without usage: their tokens are the pieces of the "
            "stream, which may hold several each; input tokens are not known"
        )
    if step.cached_tokens:
        yield f"{step.cached_tokens} prompt tokens came from the prefix cache"
    if step.late_s > LATE_S:
        yield f"requests were sent up to {step.late_s:.2f} s late; latencies include that"
    if step.client_busy > BUSY_CLIENT:
        busy = f"{step.client_busy:.0%} of a core"
        yield f"the load generator used {busy}: it may be the bottleneck"
