"""Where a chart puts its values."""

import pytest

from orchestrator.bench.chart import Axis, Chart, ChartLine, axes, chart_svg, nice_ticks
from tests.support.html_pages import require_well_formed

CURVE = ChartLine("p50", ((1.0, 10.0), (16.0, 95.0)), ((8.0, 12.0), (90.0, 130.0)), ("1", "16"))


@pytest.mark.parametrize(
    ("high", "ticks"),
    [(100, [0, 20, 40, 60, 80, 100]), (7, [0, 2, 4, 6, 8]), (0.35, [0, 0.1, 0.2, 0.3, 0.4])],
)
def test_ticks_are_round_and_reach_the_highest(high: float, ticks: list[float]) -> None:
    assert nice_ticks(high) == pytest.approx(ticks)


def test_an_axis_is_linear_or_logarithmic() -> None:
    assert Axis(0, 10, 100, 200).at(5) == 150
    assert Axis(1, 100, 100, 200, log=True).at(10) == pytest.approx(150)
    assert Axis(4, 4, 100, 200).at(4) == 150


def test_loads_that_span_much_are_spaced_by_ratio_and_bars_fit_in() -> None:
    chart = Chart("t", "x", "y", (CURVE,), x_ticks=(1, 4, 16))
    x_axis, _, y_axis, y_ticks = axes(chart)
    assert x_axis.log
    assert y_ticks[-1] >= 130
    assert y_axis.at(0) > y_axis.at(130)
    assert not axes(Chart("t", "x", "y", (CURVE,), x_ticks=(1, 2)))[0].log


def test_a_picture_says_its_axes_and_its_legend() -> None:
    drawn = chart_svg(Chart("Time & load", "requests at once", "ms", (CURVE,), x_ticks=(1, 16)))
    for words in ("Time &amp; load", "requests at once", ">ms<", ">p50<", "p50: 16, 95"):
        assert words in drawn
    assert require_well_formed(f"<!doctype html>{drawn}") == 1
