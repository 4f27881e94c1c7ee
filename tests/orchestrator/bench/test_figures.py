"""Percentiles and rates of requests whose times are known."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.reply import Failure, Reply, Timing, Usage
from orchestrator.bench.figures import Figure, percentile, repeat_figures
from orchestrator.bench.request_record import EMPTY_ANSWER, RequestRecord, record_of
from tests.support.bench_records import lost, record, repeat, result

TIMES = st.floats(min_value=0, max_value=1e6)


@given(st.lists(TIMES, min_size=2, max_size=60))
def test_percentiles_are_those_of_the_standard_library(values: list[float]) -> None:
    known = statistics.quantiles(values, n=100, method="inclusive")
    ordered = sorted(values)
    for percent in (50, 95, 99):
        assert percentile(ordered, percent) == pytest.approx(known[percent - 1])


def test_percentiles_by_hand() -> None:
    assert percentile([7.0], 99) == 7.0
    assert percentile([0.0, 10.0], 95) == 9.5
    assert [percentile([1.0, 2.0, 3.0, 4.0], p) for p in (0, 50, 100)] == [1.0, 2.5, 4.0]


def test_the_figures_of_two_requests_by_hand() -> None:
    """One after the other: 0.14 s each, 10 tokens in, 5 out, the second begins at 0.36 s."""
    found = repeat_figures([record(), record(0.36)])
    assert found["requests_per_s"] == pytest.approx(4)
    assert found["output_tokens_per_s"] == pytest.approx(20)
    assert found["input_tokens_per_s"] == pytest.approx(40)
    assert found["first_token_p50_s"] == pytest.approx(0.1)
    assert found["between_tokens_p99_s"] == pytest.approx(0.01)
    assert found["per_token_p50_s"] == pytest.approx(0.01)
    assert found["whole_p95_s"] == pytest.approx(0.14)


def test_failures_are_counted_and_lengthen_the_run_but_are_no_latency() -> None:
    failed = [lost("timeout", total_s=2.0), lost("rate limited")]
    found = result(repeat(1, record(), *failed, lost("timeout")))
    assert (found.answered, found.failures) == (1, 3)
    assert found.failed == {"timeout": 2, "rate limited": 1}
    assert found.what["timeout"] == "no whole answer within 1 s"
    assert found.figures["requests_per_s"].value == pytest.approx(0.5)
    assert found.figures["whole_p99_s"].value == pytest.approx(0.14)


def test_where_all_failed_there_is_no_latency() -> None:
    found = result(repeat(1, lost()))
    assert found.figures["requests_per_s"] == Figure(0.0, 0.0, 0.0)
    assert not [key for key in found.figures if "whole" in key]


def test_the_figure_is_the_median_of_the_repeats_with_the_farthest_beside_it() -> None:
    rounds = [repeat(n, record(first_s=s)) for n, s in ((1, 0.1), (2, 0.4), (3, 0.2))]
    assert result(*rounds).figures["first_token_p50_s"] == Figure(0.2, 0.1, 0.4)


def test_the_warm_up_is_apart() -> None:
    found = result(repeat(0, record(first_s=9), lost()), repeat(1, record()))
    assert (found.warmup, found.warmup_failed) == (2, 1)
    assert (found.answered, found.failures) == (1, 0)
    assert found.figures["first_token_p99_s"].value == pytest.approx(0.1)


def test_a_repeat_that_was_cut_short_counts_only_where_there_is_no_other() -> None:
    cut = repeat(2, record(first_s=5), ended=False)
    found = result(repeat(1, record()), cut)
    assert (found.complete, found.repeats, found.answered) == (False, 1, 1)
    assert result(cut).figures["first_token_p50_s"].value == 5


def test_a_request_that_was_sent_late_has_waited_from_when_it_was_due() -> None:
    """Else a server that stalls would look better the longer it keeps others waiting."""
    usage = Usage(10, 2)
    reply = Reply("a b", "length", usage, Timing(0, total_s=0.5, first_token_s=0.2, gaps_s=(0.3,)))
    found = record_of(3.0, 1.0, reply)
    assert (found.first_token_s, found.total_s, found.gaps_s) == (1.2, 1.5, (0.3,))
    assert found.per_token_s == pytest.approx(0.3)
    late = record_of(3.0, 1.0, Failure("timeout", "no", Timing(0, total_s=2.0)))
    assert (late.total_s, late.failure) == (3.0, "timeout")


def test_an_answer_without_a_token_is_a_failure() -> None:
    empty = record_of(0, 0, Reply("", "stop", Usage(10, 0), Timing(0, 0.1)))
    assert empty.failure == EMPTY_ANSWER
    silent = record_of(0, 0, Reply("", "length", Usage(10, 1), Timing(0, 0.1)))
    assert (silent.failure, silent.first_token_s) == ("", 0.1)


def test_short_and_cached_answers_are_counted() -> None:
    cached = RequestRecord(0, 0, 1, 0.5, (0.1,), 10, 2, cached_tokens=8)
    found = result(repeat(1, record(), cached))
    assert (found.short, found.cached_tokens) == (1, 8)


def test_under_way_and_the_share_of_the_first_token() -> None:
    """Two side by side of 0.14 s, of which 0.1 s to the first token."""
    found = result(repeat(1, record(), record()))
    assert found.in_flight == pytest.approx(2)
    assert found.prefill_share == pytest.approx(0.1 / 0.14)
