"""The newest bench of a recipe, as `plan` and `status` quote it: hand-computed figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.inventory.cost import HourlyCost
from orchestrator.bench.latest import measured_costs

HOUR = HourlyCost("USD", 3.6, 0.0)  # a thousandth of a dollar a second
RATES = {"output_tokens_per_s": 50.0, "input_tokens_per_s": 100.0, "requests_per_s": 2.0}


def step(value: float, speed: float) -> dict[str, Any]:
    rates = {key: rate * speed for key, rate in RATES.items()}
    return {
        "step": {"kind": "concurrency", "value": value},
        "answered": 10,
        "in_flight": value,
        "prefill_share": 0.2,
        "figures": {k: {"value": v, "low": v, "high": v} for k, v in rates.items()},
    }


def bench(root: Path, time: str, recipe: str = "tiny", **result: Any) -> None:
    folder = root / "bench" / f"{time}-{recipe}"
    folder.mkdir(parents=True)
    steps = [step(1, 0.5), step(8, 1.0)]
    record = {
        "started": f"2026-11-21T{time}:00+00:00",
        "server": {"recipe": recipe},
        "result": {"steps": steps, "money": None, **result},
    }
    (folder / "result.json").write_text(json.dumps(record))


def test_the_fastest_step_of_the_newest_bench(tmp_path: Path) -> None:
    """0.2 of 0.001 USD buys 100 input tokens, 0.8 of it 50 output tokens."""
    bench(tmp_path, "11:00", steps=[])
    bench(tmp_path, "12:00")
    bench(tmp_path, "13:00", recipe="not-tiny")
    assert measured_costs("tiny", HOUR, tmp_path) == (
        "0.0005 USD a request, 2.00 USD a million input tokens, 16.00 USD a million output tokens: "
        "bench of 2026-11-21 12:00, 8 at once",
    )


def test_a_day_is_quoted_while_the_prices_are_the_same(tmp_path: Path) -> None:
    day = {"step": "8 at once", "requests": 20000, "warm": 86.4, "on_demand": 90.0}
    money = {"cost": {"hour": 3.6}, "days": [day], "keeping": {"idle_minutes": 1.6}}
    bench(tmp_path, "12:00", money=money)
    _, a_day, stopping = measured_costs("tiny", HOUR, tmp_path)
    assert a_day == "20,000 requests a day: 86.40 USD kept warm, 90.00 USD loaded for each request"
    assert (
        stopping
        == "stopping pays off where it would be idle for longer than 1.6 minutes, the time to load"
    )
    assert len(measured_costs("tiny", HourlyCost("USD", 4.0, 0.0), tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"server": {"recipe": "tiny"}}'])
def test_a_damaged_bench_is_none(tmp_path: Path, text: str) -> None:
    bench(tmp_path, "12:00")
    for path in tmp_path.glob("bench/*/result.json"):
        path.write_text(text)
    assert measured_costs("tiny", HOUR, tmp_path) == ()
