"""A run on one screen; pure."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.inventory.cost import amount
from orchestrator.bench.cost import RunCost
from orchestrator.bench.figures import LATENCIES, PERCENTS, Figure, StepResult
from orchestrator.bench.run import BenchReport
from orchestrator.cli.render import table

RATES = {
    "output_tokens_per_s": "output tok/s",
    "input_tokens_per_s": "input tok/s",
    "requests_per_s": "requests/s",
}


def bench_screen(report: BenchReport) -> RenderableType:
    """Throughput, latencies, notes, cost."""
    head = f"bench of {report.model} at {report.url}: {workload_text(report)}"
    parts: list[RenderableType] = [Text(head)]
    if report.stopped:
        parts.append(Text(f"INCOMPLETE: {report.stopped}", style="bold red"))
    if report.steps:
        parts += [rate_rows(report.steps), Text(), latency_rows(report.steps)]
    parts += [Text(f"note: {each}", style="yellow") for each in report.notes]
    if report.money and report.steps:
        parts += [Text(), cost_rows(report.steps, report.money)]
        parts += [Text(line) for line in cost_texts(report.money)]
        if report.money.days:
            parts += [Text(), day_table(report.money)]
    return Group(*parts)


def workload_text(report: BenchReport) -> str:
    load = report.workload
    kind = "tokens" if report.exact_lengths else "words"
    lengths = f"{load.input_tokens} {kind} in, {load.output_tokens} tokens out"
    return f"{lengths}, {load.repeats} repeats, seed {load.seed}"


def rate_rows(steps: Iterable[StepResult]) -> RenderableType:
    rows = table("load", "answered", "failed", *RATES.values(), "in flight")
    for each in steps:
        failed = Text(str(each.failures), style="bold red" if each.failures else "")
        cells = [plus_minus(each.figures.get(key)) for key in RATES]
        label = each.step.label + ("" if each.complete else " (cut short)")
        rows.add_row(label, str(each.answered), failed, *cells, f"{each.in_flight:.1f}")
    return rows


def latency_rows(steps: Iterable[StepResult]) -> RenderableType:
    names = [f"{label}, ms" for label in LATENCIES.values()]
    rows = table("p50 / p95 / p99", *names)
    for each in steps:
        cells = []
        for name in LATENCIES:
            found = [each.figures.get(f"{name}_p{percent}_s") for percent in PERCENTS]
            cells.append(" / ".join("-" if f is None else ms_text(f.value) for f in found))
        rows.add_row(each.step.label, *cells)
    return rows


def cost_rows(steps: Iterable[StepResult], money: RunCost) -> RenderableType:
    unit = money.cost.currency
    keys = ("tokens", "input_tokens", "output_tokens")
    names = ("tokens", "input tokens", "output tokens")
    rows = table(f"{unit} per", "request", *(f"million {name}" for name in names))
    for each in steps:
        found = [each.figures.get("cost_per_request")]
        found += [each.figures.get(f"cost_per_million_{key}") for key in keys]
        rows.add_row(each.step.label, *("-" if f is None else short_text(f.value) for f in found))
    return rows


def day_table(money: RunCost) -> RenderableType:
    head, *rows = day_rows(money)
    made = table(*head)
    for row in rows:
        made.add_row(*row)
    return made


def day_rows(money: RunCost) -> Iterable[tuple[str, ...]]:
    """The header first; then what the daily requests cost at the speed of each step."""
    unit = money.cost.currency
    head = f"{money.days[0].requests:,.0f} requests a day"
    yield head, "servers", f"kept warm, {unit}", f"on demand, {unit}", f"a request, {unit}"
    for day in money.days:
        on_demand = "-" if day.on_demand is None else f"{day.on_demand:,.2f}"
        yield day.step, str(day.servers), f"{day.warm:,.2f}", on_demand, short_text(day.request)


def cost_texts(money: RunCost) -> Iterable[str]:
    cost, unit = money.cost, money.cost.currency
    share = money.input_share
    yield f"{amount(cost.hour, unit)} an hour, {amount(cost.day, unit)} a day while it is up"
    yield f"the hour is split by time: {share:.1%} to input, {1 - share:.1%} to output tokens"
    if warm := money.keeping:
        yield (
            f"loading takes {warm.load_s:g} s: stopping saves {amount(warm.saved_hour, unit)} an "
            f"hour, and pays off if idle for more than {warm.idle_minutes:.1f} minutes, or "
            f"below {warm.requests_a_day:,.0f} single requests a day"
        )


def plus_minus(figure: Figure | None) -> str:
    """The figure, and the largest deviation of a repeat."""
    if figure is None:
        return "-"
    spread = max(figure.high - figure.value, figure.value - figure.low)
    return (
        f"{short_text(figure.value)} ± {short_text(spread)}" if spread else short_text(figure.value)
    )


def ms_text(seconds: float) -> str:
    return short_text(seconds * 1000)


def short_text(value: float) -> str:
    """Three significant digits."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
