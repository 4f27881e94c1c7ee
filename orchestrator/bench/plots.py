"""Which charts a run has; pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from orchestrator.bench.chart import Chart, ChartLine
from orchestrator.bench.figures import PERCENTS, StepResult, answered_records
from orchestrator.bench.request_record import Repeat, RequestRecord
from orchestrator.bench.run import BenchReport

CDF_POINTS = 100


def charts(report: BenchReport, repeats: Iterable[Repeat]) -> Iterable[Chart]:
    """Throughput, latency against it, percentiles by load, distributions."""
    steps = sorted(report.steps, key=lambda step: step.step.value)
    if not any(step.figures for step in steps):
        return
    every = list(repeats)
    yield throughput_chart(steps)
    yield latency_chart(steps)
    for name, title in (("first_token", "Time to first token"), ("per_token", "Time per token")):
        yield load_chart(steps, name, title, "ms", 1000)
    yield load_chart(steps, "whole", "Whole answer", "s", 1)
    yield cdf_chart(
        steps, every, "Time to first token", "ms", lambda r: (r.first_token_s or 0) * 1000
    )
    yield cdf_chart(steps, every, "Whole answer", "s", lambda r: r.total_s)


def throughput_chart(steps: Sequence[StepResult]) -> Chart:
    lines = []
    for key, label in (("output_tokens_per_s", "output"), ("input_tokens_per_s", "input")):
        found = [(s.step.value, s.figures[key]) for s in steps if key in s.figures]
        points = tuple((load, figure.value) for load, figure in found)
        lines.append(ChartLine(label, points, tuple((f.low, f.high) for _, f in found)))
    return Chart("Throughput", x_label(steps), "tokens per second", tuple(lines), step_loads(steps))


def latency_chart(steps: Sequence[StepResult]) -> Chart:
    """Where latency rises without more throughput, the server is saturated."""
    found = sorted(steps, key=lambda step: output_rate(step))
    lines = percentile_lines(found, "whole", 1, output_rate)
    names = tuple(step.step.label for step in found if "whole_p50_s" in step.figures)
    named = (replace(lines[0], names=names), *lines[1:]) if lines else ()
    title = "Latency against throughput"
    return Chart(title, "output tokens per second", "whole answer, s", named)


def output_rate(step: StepResult) -> float:
    figure = step.figures.get("output_tokens_per_s")
    return figure.value if figure else 0.0


def load_chart(
    steps: Sequence[StepResult], name: str, title: str, unit: str, times: float
) -> Chart:
    lines = percentile_lines(steps, name, times, lambda step: step.step.value)
    y_label = f"{title.lower()}, {unit}"
    return Chart(f"{title} by load", x_label(steps), y_label, lines, step_loads(steps))


def percentile_lines(
    steps: Sequence[StepResult], name: str, times: float, x_of: Callable[[StepResult], float]
) -> tuple[ChartLine, ...]:
    lines = []
    for percent in PERCENTS:
        key = f"{name}_p{percent}_s"
        found = [(x_of(step), step.figures[key]) for step in steps if key in step.figures]
        points = tuple((x, figure.value * times) for x, figure in found)
        bars = tuple((figure.low * times, figure.high * times) for _, figure in found)
        lines.append(ChartLine(f"p{percent}", points, bars))
    return tuple(line for line in lines if line.points)


def cdf_chart(
    steps: Sequence[StepResult],
    repeats: Iterable[Repeat],
    title: str,
    unit: str,
    value: Callable[[RequestRecord], float],
) -> Chart:
    """The share of all counted answers that took at most this long."""
    taken = [repeat for repeat in repeats if repeat.number]
    lines = []
    for step in steps:
        records = [r for each in taken if each.step == step.step.label for r in each.records]
        ordered = sorted(value(record) for record in answered_records(records))
        if ordered:
            lines.append(ChartLine(step.step.label, tuple(cdf_points(ordered)), marked=False))
    label = f"{title.lower()}, {unit}"
    return Chart(f"{title}: distribution", label, "% of answers", tuple(lines), y_top=100)


def cdf_points(ordered: Sequence[float]) -> Iterable[tuple[float, float]]:
    count = len(ordered)
    places = sorted({round(part * (count - 1) / CDF_POINTS) for part in range(CDF_POINTS + 1)})
    yield ordered[0], 0.0
    for place in places:
        yield ordered[place], 100 * (place + 1) / count


def step_loads(steps: Iterable[StepResult]) -> tuple[float, ...]:
    return tuple(step.step.value for step in steps)


def x_label(steps: Sequence[StepResult]) -> str:
    is_rate = steps[0].step.kind == "rate"
    return "requests per second (Poisson)" if is_rate else "requests at once"
