"""`plan` against what vLLM printed at others' starts: within 3 percent, or called a guess."""

import pytest

from tests.support.models import GIB
from tests.support.startup_logs import LOGS, StartupLog, judged_log

TOLERANCE = 0.03
KNOWN = [log for log in LOGS if log.known]


@pytest.mark.parametrize("log", [log for log in KNOWN if log.weights], ids=str)
def test_weights_are_within_three_percent(log: StartupLog) -> None:
    assert judged_log(log).weights.most / GIB == pytest.approx(log.weights, rel=TOLERANCE)


@pytest.mark.parametrize("log", [log for log in KNOWN if log.room], ids=str)
def test_tokens_at_the_bytes_of_the_log_are_within_three_percent(log: StartupLog) -> None:
    fit = judged_log(log, kv_cache_memory_bytes=int((log.room or 0) * GIB))
    assert fit.kv_tokens == pytest.approx(log.tokens, rel=TOLERANCE)
    assert fit.verdict == "fits", fit.problems


@pytest.mark.parametrize("log", [log for log in LOGS if not log.known], ids=str)
def test_what_vllm_has_no_rule_for_is_a_guess_by_name(log: StartupLog) -> None:
    fit = judged_log(log, kv_cache_memory_bytes=int((log.room or 0) * GIB))
    assert fit.verdict == "may fit"
    assert fit.guesses == ("kv_cache_dtype nvfp4_ds_mla is not known for this model: the KV cache",)


def test_a_kernel_that_is_not_known_makes_no_firm_promise() -> None:
    """gpt-oss-120b on one H100 did not start with Marlin's kernels, and does with Triton's."""
    log = next(log for log in LOGS if "gpt-oss-120b" in log.source)
    assert judged_log(log).verdict == "may fit"
    assert judged_log(log, moe_backend="marlin").verdict == "does not fit"
    assert judged_log(log, moe_backend="triton").verdict == "fits"


def test_the_range_on_unified_memory_holds_what_an_owner_measured() -> None:
    """Of the whole prediction: what vLLM itself found room for."""
    log = next(log for log in KNOWN if log.gpu[0].unified and log.weights and log.room)
    fit = judged_log(log)
    low, high = fit.kv_range
    assert low <= (log.tokens or 0) <= high
    assert any(each.name == "unified memory" for each in fit.overheads[0])
