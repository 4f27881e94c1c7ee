"""What steps cost: figures computed by hand."""

import pytest

from cluster.inventory.cost import HourlyCost
from orchestrator.bench.cost import costs_of, day_cost, input_share, run_cost, warm_cost, with_cost
from orchestrator.bench.figures import Figure
from tests.support.bench_records import record, repeat, result

FOUR_DOLLARS = HourlyCost("USD", 4.0, 0.0)
OWNED = HourlyCost("EUR", 0.072, 0.228)


def flat(value: float) -> Figure:
    return Figure(value, value, value)


def test_the_hour_over_its_tokens() -> None:
    """4 an hour; 1,000 output and 3,000 input tokens a second are 3.6 M and 10.8 M an hour."""
    figures = {
        "output_tokens_per_s": flat(1000),
        "input_tokens_per_s": flat(3000),
        "requests_per_s": flat(10),
    }
    found = costs_of(figures, FOUR_DOLLARS, 0.25)
    assert found["cost_per_million_tokens"].value == pytest.approx(4 / 14.4)
    assert found["cost_per_million_input_tokens"].value == pytest.approx(1 / 10.8)
    assert found["cost_per_million_output_tokens"].value == pytest.approx(3 / 3.6)
    assert found["cost_per_request"].value == pytest.approx(4 / 36_000)


def test_both_shares_are_the_whole_hour() -> None:
    figures = {"output_tokens_per_s": flat(500), "input_tokens_per_s": flat(200)}
    found = costs_of(figures, FOUR_DOLLARS, 0.3)
    out = found["cost_per_million_output_tokens"].value * 500 * 3600 / 1e6
    inp = found["cost_per_million_input_tokens"].value * 200 * 3600 / 1e6
    assert out + inp == pytest.approx(4)


def test_the_slower_repeat_is_the_dearer_one() -> None:
    found = costs_of({"requests_per_s": Figure(2, 1, 4)}, FOUR_DOLLARS, 0)["cost_per_request"]
    assert [found.low, found.high] == pytest.approx([4 / 14_400, 4 / 3600])


def test_what_answered_nothing_has_no_cost() -> None:
    assert costs_of({"requests_per_s": flat(0)}, FOUR_DOLLARS, 0) == {}


def test_the_share_of_input_is_taken_where_least_waits() -> None:
    light = result(repeat(1, record(first_s=0.06, gap_s=0.01)))
    crowd = [record(first_s=3.0, gap_s=0.01)] * 8
    heavy = result(repeat(1, *crowd))
    assert input_share([heavy, light]) == pytest.approx(0.6)


def test_break_even_of_loading() -> None:
    """Ten minutes of loading; a lone request holds the machines for 600 s + 40 s."""
    kept = warm_cost(FOUR_DOLLARS, 600, 40)
    assert (kept.idle_minutes, kept.requests_a_day) == (10, 135)
    assert warm_cost(OWNED, 600, 40).saved_hour == 0.072


def test_a_day_at_a_given_load() -> None:
    """25 requests a second for a day at 4 a second: 7 servers (6.25)."""
    step = result(repeat(1, record(), record(0.36)))
    busy = day_cost(step, FOUR_DOLLARS, 25 * 86_400, None)
    assert busy
    assert (busy.servers, busy.warm, busy.on_demand) == (7, 7 * 96, None)
    few = day_cost(step, FOUR_DOLLARS, 50, 899.86)
    assert few
    assert few.on_demand == pytest.approx(50 * 900 / 3600 * 4)
    assert few.warm == 96
    assert few.request == pytest.approx(1)
    many = day_cost(step, FOUR_DOLLARS, 100, 899.86)
    assert many
    assert many.on_demand == 96  # 100 loads take longer than the day has


def test_owned_machines_cost_while_they_are_off() -> None:
    step = result(repeat(1, record(), record(0.36)))
    found = day_cost(step, OWNED, 10, 359.86)
    assert found
    assert found.warm == pytest.approx(24 * 0.3)
    assert found.on_demand == pytest.approx(24 * 0.228 + 0.072)


def test_nothing_is_said_that_was_not_asked() -> None:
    step = with_cost(result(repeat(1, record())), FOUR_DOLLARS, 0.5)
    money = run_cost([step], FOUR_DOLLARS, None, None)
    assert (money.days, money.keeping) == ((), None)
