"""Line charts as SVG text, for a page that loads nothing; pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 68, 28, 40, 52  # around the plot
LEGEND_ROW, LEGEND_COLUMN = 18, 160
LINE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
DASHES = ("", "6 3", "2 3")
TICKS = 6
LOG_FROM = 8  # a range wider than this reads better on a logarithmic axis


@dataclass(frozen=True)
class ChartLine:
    """`bars` hold the lowest and the highest y of each point, `names` label the points;
    both may be empty.
    """

    label: str
    points: tuple[tuple[float, float], ...]
    bars: tuple[tuple[float, float], ...] = ()
    names: tuple[str, ...] = ()
    marked: bool = True


@dataclass(frozen=True)
class Chart:
    """`x_ticks` are the labelled values; the axis is logarithmic where they span a wide range."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[ChartLine, ...]
    x_ticks: tuple[float, ...] = ()
    y_top: float | None = None


@dataclass(frozen=True)
class Axis:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, here = self.low, self.high, value
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(value)
        part = (here - low) / (high - low) if high > low else 0.5
        return self.start + part * (self.end - self.start)


def nice_ticks(high: float) -> list[float]:
    """0 to at least `high`, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    if high <= 0:
        return [0.0, 1.0]
    raw = high / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    return [step * number for number in range(math.ceil(high / step - 1e-9) + 1)]


def axes(chart: Chart) -> tuple[Axis, Sequence[float], Axis, Sequence[float]]:
    xs = [x for line in chart.lines for x, _ in line.points]
    ys = [y for line in chart.lines for _, y in line.points]
    ys += [high for line in chart.lines for _, high in line.bars]
    y_ticks = nice_ticks(chart.y_top or max(ys, default=1.0))
    y_axis = Axis(0.0, y_ticks[-1], HEIGHT - BOTTOM, TOP)
    if not chart.x_ticks:
        x_ticks = nice_ticks(max(xs, default=1.0))
        return Axis(0.0, x_ticks[-1], LEFT, WIDTH - RIGHT), x_ticks, y_axis, y_ticks
    low, high = min(chart.x_ticks), max(chart.x_ticks)
    log = high / low >= LOG_FROM
    return Axis(low, high, LEFT + 24, WIDTH - RIGHT - 24, log), chart.x_ticks, y_axis, y_ticks


def chart_svg(chart: Chart) -> str:
    """The chart with its legend below; a point shows its values when the mouse is over it."""
    x_axis, x_ticks, y_axis, y_ticks = axes(chart)
    rows = math.ceil(len(chart.lines) / legend_columns())
    height = HEIGHT + rows * LEGEND_ROW + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        svg_text(LEFT, 22, chart.title, weight="bold", size=14),
        *grid(x_axis, x_ticks, y_axis, y_ticks),
        svg_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, chart.x_label, anchor="middle"),
        f'<g transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">'
        f"{svg_text(0, 0, chart.y_label, anchor='middle')}</g>",
    ]
    for number, line in enumerate(chart.lines):
        parts += line_parts(line, number, x_axis, y_axis)
        parts += legend_parts(line.label, number)
    return "\n".join([*parts, "</svg>"])


def legend_columns() -> int:
    return (WIDTH - LEFT) // LEGEND_COLUMN


def grid(
    x_axis: Axis, x_ticks: Iterable[float], y_axis: Axis, y_ticks: Iterable[float]
) -> Iterable[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for value in y_ticks:
        y = y_axis.at(value)
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>'
        yield svg_text(LEFT - 6, y + 4, f"{value:,.5g}", anchor="end")
    for value in x_ticks:
        x = x_axis.at(value)
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="#444444"/>'
        yield svg_text(x, bottom + 18, f"{value:,.5g}", anchor="middle")
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#444444"/>'


def line_parts(line: ChartLine, number: int, x_axis: Axis, y_axis: Axis) -> Iterable[str]:
    colour, dash = line_style(number)
    shift = 3 * (number - 1) if line.bars else 0  # so that bars do not overlap
    places = [(x_axis.at(x) + shift, y_axis.at(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
    for (x, _), (low, high) in zip(places, line.bars, strict=False):
        top, end = y_axis.at(high), y_axis.at(low)
        yield (
            f'<path d="M{x - 4:.1f} {top:.1f}h8M{x:.1f} {top:.1f}V{end:.1f}M{x - 4:.1f} '
            f'{end:.1f}h8" stroke="{colour}" fill="none"/>'
        )
    for (x, y), (value_x, value_y) in zip(places, line.points, strict=True):
        if line.marked:
            tip = escape(f"{line.label}: {value_x:,.4g}, {value_y:,.4g}")
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">'
            yield f"<title>{tip}</title></circle>"
    for (x, y), name in zip(places, line.names, strict=False):
        yield svg_text(x, y + 16, name, anchor="middle")


def legend_parts(label: str, number: int) -> Iterable[str]:
    colour, dash = line_style(number)
    x = LEFT + number % legend_columns() * LEGEND_COLUMN
    y = HEIGHT + number // legend_columns() * LEGEND_ROW + 6
    yield f'<path d="M{x} {y}h24" stroke="{colour}" stroke-width="2"{dash}/>'
    yield svg_text(x + 30, y + 4, label)


def line_style(number: int) -> tuple[str, str]:
    """Line colour and dash; the dash changes where the colours repeat."""
    dash = DASHES[number // len(LINE_COLOURS) % len(DASHES)]
    return LINE_COLOURS[number % len(LINE_COLOURS)], f' stroke-dasharray="{dash}"' if dash else ""


def svg_text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    size: int = 12,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="#222222">{escape(content)}</text>'
    )
