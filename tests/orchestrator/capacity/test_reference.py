"""Predicted against what vLLM itself said. docs/decisions/0018 has the table."""

import pytest

from orchestrator.capacity.engine_args import serving_of
from orchestrator.capacity.fit import GpuMemory, judge
from orchestrator.capacity.weights import Split
from orchestrator.host import make_tiny
from tests.support.models import DUMMY, GIB, MEASURED, Measured, judged, model, recipe

TOLERANCE = 0.03


@pytest.mark.parametrize("point", MEASURED, ids=lambda point: point.name)
def test_kv_tokens_are_within_three_percent(point: Measured) -> None:
    fit = judged(point.config, point.split, point.args, across=point.across)
    assert fit.kv_tokens == pytest.approx(point.tokens, rel=TOLERANCE)
    assert fit.room / GIB == pytest.approx(point.room, rel=TOLERANCE)
    assert fit.weights.most / GIB == pytest.approx(point.weights, abs=0.02)


@pytest.mark.parametrize("point", MEASURED, ids=lambda point: point.name)
def test_the_arithmetic_from_bytes_to_tokens_is_vllms_own(point: Measured) -> None:
    """Given the bytes that vLLM had, its tokens follow but for the rounding of those bytes."""
    exact = {**point.args, "kv_cache_memory_bytes": int(point.room * GIB)}
    fit = judged(point.config, point.split, exact)
    assert fit.kv_tokens == pytest.approx(point.tokens, rel=0.001)


@pytest.mark.parametrize("point", DUMMY, ids=lambda point: point.name)
def test_the_recipes_models_and_their_relatives(point: Measured) -> None:
    """One H200, vLLM 0.25.1, weights made up; the last tenth of a GiB of weights is padding."""
    fit = judged(point.config, point.split, point.args)
    assert fit.kv_tokens == pytest.approx(point.tokens, rel=TOLERANCE)
    assert fit.weights.most / GIB == pytest.approx(point.weights, rel=TOLERANCE)


def test_on_a_cpu_the_space_is_what_the_environment_says() -> None:
    """vLLM 0.32's CPU build, two ranks, float32, 1 GiB: 524,288 tokens."""
    made = model(make_tiny.CONFIG)
    wanted = recipe({"max_model_len": 2048, "dtype": "float32"}, {"VLLM_CPU_KVCACHE_SPACE": "1"})
    serving = serving_of(wanted, made.architecture, 0, 2)
    fit = judge(made, Split(2), serving, GpuMemory(0, 8 * GIB, True))
    assert fit.kv_tokens == 524_288
    assert fit.fits
    assert not judge(made, Split(2), serving, GpuMemory(0, GIB, True)).fits
