"""Two results side by side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import UsageError
from orchestrator.bench.compare import RunDifference, chance_of, compare_runs, verdict_of
from orchestrator.bench.figures import Figure, Metric
from orchestrator.bench.output import read_run
from orchestrator.bench.run import BenchReport
from orchestrator.bench.workload import Workload
from orchestrator.cli.render import as_json
from orchestrator.records.provenance import Machine, Provenance
from tests.support.bench_records import FOUR, lost, record, repeat, result

MORE, LESS = Metric("output", "tokens/s", more=True), Metric("whole", "s")
HOST = Machine("h1", "10.0.0.1", "x86_64", 16, 1, ("NVIDIA H200",), "580", {})
SOURCE = Provenance(
    *("http://127.0.0.1:8000/v1", "tiny", "0.1.0", "3.11", {"vllm": "0.32.0"}),
    recipe="tiny",
    arguments=("vllm", "serve", "/m", "--max-num-seqs", "8", "--enforce-eager"),
    hosts=(HOST,),
)
LOAD = Workload((FOUR,), input_tokens=10, output_tokens=5)
REPORT = BenchReport("u", "tiny", "tiny", LOAD, True, ())


def kept(
    times: tuple[float, ...], source: Provenance = SOURCE, report: BenchReport = REPORT
) -> dict[str, Any]:
    """What result.json holds: a repeat for each time to the first token."""
    step = result(*(repeat(n, record(first_s=s)) for n, s in enumerate(times, 1)))
    found = {
        "format": 1,
        "verb": "bench",
        "server": source,
        "result": replace(report, steps=(step,)),
    }
    made: dict[str, Any] = json.loads(as_json(found))
    return made


def test_beyond_the_noise_is_where_the_repeats_do_not_meet() -> None:
    a = Figure(10, 9, 11)
    assert verdict_of(a, Figure(13, 12, 14), MORE, True) == "better"
    assert verdict_of(a, Figure(13, 12, 14), LESS, True) == "worse"
    assert verdict_of(a, Figure(5, 4, 8), LESS, True) == "better"
    assert verdict_of(a, Figure(13, 11, 14), MORE, True) == "within noise"
    assert verdict_of(a, Figure(13, 12, 14), MORE, False) == "noise unknown"


def test_the_chance_of_equal_servers() -> None:
    """Three and three: 20 orders, of which 2 are apart; five and five: 2 of 252."""
    assert chance_of([3, 3]) == 0.1
    assert chance_of([5, 7]) == pytest.approx(2 / 252)
    assert chance_of([1, 3]) is None


def test_the_change_of_each_figure() -> None:
    found = compare_runs(("a", "b"), kept((0.1, 0.11, 0.12)), kept((0.2, 0.22, 0.24)))
    assert found.differs == ()
    [step] = found.steps
    change = {each.key: each for each in step.changes}
    first = change["first_token_p50_s"]
    assert first.percent == pytest.approx(100)
    assert first.verdict == "worse"
    assert change["between_tokens_p50_s"].verdict == "within noise"
    assert change["output_tokens_per_s"].verdict == "worse"
    assert not [key for key in change if key.startswith("cost")]


def test_what_differs_is_said_first() -> None:
    words = ("vllm", "serve", "/m", "--max-num-seqs=16")
    other = replace(
        SOURCE,
        recipe="big",
        arguments=words,
        versions={"vllm": "0.33.0"},
        hosts=(replace(HOST, gpus=("NVIDIA GB10",)),),
    )
    found = compare_runs(("a", "b"), kept((0.1, 0.1)), kept((0.1, 0.1), other))
    said = {each.what: (each.a, each.b) for each in found.differs}
    assert said["recipe"] == ("tiny", "big")
    assert said["arguments: max_num_seqs"] == ("8", "16")
    assert said["arguments: enforce_eager"] == ("true", "")
    assert said["software: vllm"] == ("0.32.0", "0.33.0")
    assert said["hardware: host h1"][1] == "16 cores, NVIDIA GB10, driver 580"


def test_another_workload_is_warned_of_and_other_steps_are_named() -> None:
    other = replace(REPORT, workload=replace(LOAD, output_tokens=50), stopped="interrupted")
    b = kept((0.1,), report=other)
    b["result"]["steps"][0]["step"]["value"] = 8.0
    found = compare_runs(("a", "b"), kept((0.1,)), b)
    assert (found.steps, found.only_a, found.only_b) == ((), ("4 at once",), ("8 at once",))
    assert found.warnings[0] == "b is incomplete: interrupted"
    assert "different workloads" in found.warnings[1]


def test_other_prompts_are_named() -> None:
    other = replace(REPORT, workload=replace(LOAD, seed=7))
    found = compare_runs(("a", "b"), kept((0.1,)), kept((0.1,), report=other))
    [differs] = found.differs
    assert differs == RunDifference("seed of the prompts and arrival times", "0", "7")
    assert found.warnings == ()


def test_failures_stand_beside_the_figures() -> None:
    a, b = kept((0.1,)), kept((0.1,))
    b["result"]["steps"][0]["failed"] = {lost().failure: 3}
    [step] = compare_runs(("a", "b"), a, b).steps
    assert (step.failed_a, step.failed_b) == (0, 3)


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(str(tmp_path))
    (tmp_path / "result.json").write_text('{"verb": "test-smoke", "format": 1}')
    with pytest.raises(UsageError, match="not the result of a bench"):
        read_run(str(tmp_path))
    (tmp_path / "result.json").write_text('{"verb": "bench", "format": 99}')
    with pytest.raises(UsageError, match="format 99"):
        read_run(str(tmp_path / "result.json"))
