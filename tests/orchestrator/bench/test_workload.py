"""The ladder, the prompts, the arrivals."""

from itertools import islice, pairwise

import pytest

from cluster.errors import UsageError
from orchestrator.bench.workload import LoadStep, PromptSource, Workload, arrival_times, ladder

STEPS = (LoadStep("rate", 5.0),)


def prompts(pool: tuple[int, ...] = tuple(range(100, 164)), seed: int = 0) -> PromptSource:
    load = Workload(STEPS, input_tokens=40, output_tokens=7, seed=seed)
    return PromptSource("tiny", load, pool, "salt")


def test_the_ladder() -> None:
    assert [step.label for step in ladder("1,4,16", None)] == [
        "1 at once",
        "4 at once",
        "16 at once",
    ]
    assert [step.label for step in ladder(None, "0.5,2")] == ["0.5/s", "2/s"]
    assert ladder(None, None) == ladder("1,4,16", None)


@pytest.mark.parametrize(
    ("concurrency", "rate", "said"),
    [
        ("1,x", None, "`1,x` is not a list of numbers above 0"),
        ("0", None, "not a list of numbers"),
        (None, "nan", "not a list of numbers"),
        ("1.5", None, "whole numbers"),
        ("4,4", None, "each step once"),
        ("4", "1", "either --concurrency or --rate"),
    ],
)
def test_a_bad_ladder(concurrency: str | None, rate: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ladder(concurrency, rate)


def test_prompts_repeat_with_the_seed_and_differ_from_each_other() -> None:
    some = [call.body["prompt"] for call in islice(prompts().calls("4/1"), 50)]
    again = [call.body["prompt"] for call in islice(prompts().calls("4/1"), 50)]
    other = [call.body["prompt"] for call in islice(prompts(seed=1).calls("4/1"), 50)]
    assert some == again
    assert not {tuple(each) for each in some} & {tuple(each) for each in other}
    assert len({tuple(each[:16]) for each in some}) == 50  # a block of the prefix cache
    assert {len(each) for each in some} == {40}


def test_vllm_is_held_to_the_length_and_kept_from_its_cache() -> None:
    body = prompts().call("x").body
    assert (body["ignore_eos"], body["max_tokens"], body["cache_salt"]) == (True, 7, "salt")
    assert body["stream"] is True


def test_another_server_gets_words_and_no_option_of_vllms() -> None:
    body = prompts(pool=()).call("x").body
    assert len(body["prompt"].split()) == 40
    assert not {"ignore_eos", "cache_salt"} & set(body)


def test_arrivals_are_poisson() -> None:
    """Mean and standard deviation of exponential gaps are both 1/rate."""
    step = STEPS[0]
    moments = list(arrival_times(Workload(STEPS, requests=20_000), step, "x"))
    gaps = [later - sooner for sooner, later in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.2, rel=0.03)
    assert deviation == pytest.approx(0.2, rel=0.03)
    assert moments == list(arrival_times(Workload(STEPS, requests=20_000), step, "x"))
    assert moments[:50] != list(arrival_times(Workload(STEPS, requests=50), step, "y"))


def test_a_duration_ends_the_arrivals() -> None:
    moments = list(arrival_times(Workload(STEPS, duration_s=10.0), STEPS[0], "x"))
    assert 20 < len(moments) < 90
    assert max(moments) < 10
