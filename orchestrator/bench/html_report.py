"""The report of a run as one HTML page that fetches nothing; pure."""

from collections.abc import Iterable, Sequence
from html import escape

from cluster.inventory.cost import amount
from orchestrator.bench.chart import chart_svg
from orchestrator.bench.cost import RunCost
from orchestrator.bench.figures import LATENCIES, PERCENTS, StepResult
from orchestrator.bench.plots import charts
from orchestrator.bench.request_record import Repeat
from orchestrator.bench.run import BenchReport
from orchestrator.bench.screen import RATES, cost_texts, day_rows, plus_minus, workload_text
from orchestrator.records.provenance import Machine, Provenance

STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 1180px; margin: 24px auto;
  padding: 0 16px }
h1 { font-size: 24px; margin: 0 0 4px }
h2 { font-size: 18px; margin: 28px 0 8px }
table { border-collapse: collapse; margin: 8px 0 }
th, td { padding: 3px 14px 3px 0; text-align: right }
th { border-bottom: 1px solid #999; font-weight: 600 }
td:first-child, th:first-child { text-align: left }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0 }
dt { color: #666 }
dd { margin: 0; overflow-wrap: anywhere }
.bad { color: #b00020; font-weight: 600 }
.dim { color: #666 }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(430px, 1fr)); gap: 16px }
svg { width: 100%; border: 1px solid #ddd }
"""


def html_report(
    report: BenchReport, repeats: Iterable[Repeat], source: Provenance, moment: str
) -> str:
    """Complete and readable without scripts, fonts or pictures from other sites."""
    title = f"{report.recipe}: latency and throughput"
    drawn = "\n".join(chart_svg(chart) for chart in charts(report, repeats))
    body = [
        f"<h1>{escape(title)}</h1>",
        stopped_part(report),
        facts_part(report, source, moment),
        "<h2>Throughput</h2>",
        rate_table(report.steps),
        "<h2>Latency</h2>",
        *(latency_table(report.steps, name, label) for name, label in LATENCIES.items()),
        notes_part(report),
        cost_part(report.steps, report.money) if report.money else "",
        f'<h2>Plots</h2><p class="dim">Bars reach from the lowest to the highest repeat.</p>'
        f'<div class="charts">{drawn}</div>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def stopped_part(report: BenchReport) -> str:
    return f'<p class="bad">Incomplete: {escape(report.stopped)}</p>' if report.stopped else ""


def facts_part(report: BenchReport, source: Provenance, moment: str) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in source.versions.items())
    model = " at ".join(part for part in (source.model or report.model, source.commit) if part)
    rows = {
        "model": model,
        "split": source.split,
        "hosts": "; ".join(machine_text(host) for host in source.hosts) or "not known",
        "versions": f"orchestrate {source.orchestrate}" + (f", {versions}" if versions else ""),
        "address": report.url,
        "load": workload_text(report),
        "started": moment,
    }
    cells = (f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in rows.items() if v)
    return f"<dl>{''.join(cells)}</dl>"


def machine_text(host: Machine) -> str:
    gpus = f"{len(host.gpus)} x {host.gpus[0]}" if host.gpus else "no GPU"
    return f"{host.name} ({host.machine}, {host.cores} cores, {gpus})"


def rate_table(steps: Iterable[StepResult]) -> str:
    head = ("load", "answered", "failed", *RATES.values(), "in flight")
    return html_table(
        head,
        (
            (
                each.step.label + ("" if each.complete else " (cut short)"),
                str(each.answered),
                str(each.failures),
                *(plus_minus(each.figures.get(key)) for key in RATES),
                f"{each.in_flight:.1f}",
            )
            for each in steps
        ),
    )


def latency_table(steps: Iterable[StepResult], name: str, label: str) -> str:
    keys = [f"{name}_p{percent}_s" for percent in PERCENTS]
    rows = []
    for each in steps:
        found = [each.figures.get(key) for key in keys]
        cells = [plus_minus(f.through(lambda s: s * 1000)) if f else "-" for f in found]
        rows.append((each.step.label, *cells))
    return html_table((f"{label}, ms", *(f"p{percent}" for percent in PERCENTS)), rows)


def notes_part(report: BenchReport) -> str:
    kinds = "The figure is the median of the repeats, ± the largest deviation from it."
    rows = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f'<p class="dim">{kinds}</p>' + (f"<ul>{rows}</ul>" if rows else "")


def cost_part(steps: Sequence[StepResult], money: RunCost) -> str:
    unit = money.cost.currency
    keys = {
        "cost_per_request": "request",
        "cost_per_million_tokens": "million tokens",
        "cost_per_million_input_tokens": "million input tokens",
        "cost_per_million_output_tokens": "million output tokens",
    }
    rows = []
    for each in steps:
        found = [each.figures.get(key) for key in keys]
        rows.append((each.step.label, *(amount(f.value, unit) if f else "-" for f in found)))
    lines = "".join(f"<p>{escape(line)}</p>" for line in cost_texts(money))
    head, *days = day_rows(money) if money.days else ((),)
    daily = html_table(head, days) if days else ""
    return f"<h2>Cost</h2>{html_table(('load', *keys.values()), rows)}{lines}{daily}"


def html_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
