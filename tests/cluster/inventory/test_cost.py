"""What an hour of the machines costs, by hand, and what [cost] refuses."""

from typing import Any

import pytest

from cluster.errors import ConfigError
from cluster.inventory.cost import CostTable, amount, hourly_cost
from tests.support.factory import config_of

SPARK: dict[str, Any] = {
    "currency": "EUR",
    "watts_per_host": 240,
    "kwh_price": 0.30,
    "host_price": 3504,
    "depreciation_years": 4,
}


@pytest.mark.parametrize(
    ("gpus", "hour", "day"),
    [({"h1": 1}, 4, 96), ({"h1": 4}, 16, 384), ({"h1": 1, "h2": 1}, 8, 192)],
)
def test_rented_gpus(gpus: dict[str, int], hour: float, day: float) -> None:
    cost = hourly_cost(CostTable(gpu_hour_price=4.0), gpus)
    assert cost
    assert (cost.currency, cost.hour, cost.day, cost.fixed) == ("USD", hour, day, 0)


def test_hosts_of_ones_own() -> None:
    """240 W at 0.30: 0.072 an hour. 3,504 over 4 years of 8,760 h: 0.10 an hour."""
    cost = hourly_cost(CostTable(**SPARK), {"h1": 1, "h2": 1})
    assert cost
    assert cost.running == pytest.approx(0.144)
    assert cost.fixed == pytest.approx(0.20)
    assert cost.day == pytest.approx(8.256)


def test_electricity_alone() -> None:
    cost = hourly_cost(CostTable(watts_per_host=1000, kwh_price=0.25), {"h1": 8})
    assert cost
    assert (cost.hour, cost.fixed) == (0.25, 0)


def test_without_prices_or_without_use_there_is_no_cost() -> None:
    assert hourly_cost(CostTable(), {"h1": 1}) is None
    assert hourly_cost(CostTable(gpu_hour_price=4), {}) is None
    assert hourly_cost(CostTable(**SPARK), {}) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"watts_per_host": 240}, "`watts_per_host` needs `kwh_price` beside it"),
        ({"depreciation_years": 4}, "`depreciation_years` needs `host_price` beside it"),
        ({**SPARK, "gpu_hour_price": 4}, "not both"),
        ({"gpu_hour_price": -1}, "greater than 0"),
        ({"gpu_price": 4}, "unknown key"),
    ],
)
def test_a_bad_table_names_its_place(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(cost=table)
    [problem] = caught.value.problems
    assert said in str(problem)
    assert "nodes.toml [cost]" in str(problem)


def test_amounts() -> None:
    assert [amount(v, "USD") for v in (1234.5, 4, 0, 0.00012345)] == [
        *("1,234.50 USD", "4.00 USD", "0.00 USD", "0.000123 USD")
    ]
