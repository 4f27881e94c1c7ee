"""Compares two runs: how they differ, then each figure with its noise; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, Literal

from cluster.errors import Problem, UsageError
from orchestrator.bench.cost import cost_metrics
from orchestrator.bench.figures import Figure, Metric, metrics
from orchestrator.bench.workload import LoadStep
from orchestrator.records.compare import compare_facts, host_facts, provenance_facts, provenance_of
from orchestrator.records.provenance import Provenance

RunRecord = Mapping[str, Any]
ChangeVerdict = Literal["better", "worse", "within noise", "noise unknown"]
WORKLOAD = "workload"
NAMES = ("recipe", "served name", "orchestrate")


@dataclass(frozen=True)
class RunDifference:
    """Something that differs between two runs; empty where one has none."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Change:
    """One figure; `percent` is from a to b. Beyond the noise: the repeats of the two runs do not
    overlap.
    """

    key: str
    label: str
    unit: str
    a: Figure
    b: Figure
    percent: float | None
    verdict: ChangeVerdict


@dataclass(frozen=True)
class StepChanges:
    step: str
    failed_a: int
    failed_b: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class RunComparison:
    """`chance`: how often a figure of two equal servers would seem beyond the noise."""

    a: str
    b: str
    differs: tuple[RunDifference, ...]
    steps: tuple[StepChanges, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    chance: float | None
    warnings: tuple[str, ...] = ()


def compare_runs(names: tuple[str, str], a: RunRecord, b: RunRecord) -> RunComparison:
    """Of the records that two result.json hold. Raises UsageError for a damaged one."""
    steps_a, steps_b = steps_of(a), steps_of(b)
    servers = (server_of(a, names[0]), server_of(b, names[1]))
    differs = (*workload_differences(a, b), *server_differences(*servers))
    both = [label for label in steps_a if label in steps_b]
    known = {**metrics(), **cost_metrics(currency_of(a, b))}
    return RunComparison(
        *names,
        differs=differs,
        steps=tuple(step_changes(each, steps_a[each], steps_b[each], known) for each in both),
        only_a=tuple(label for label in steps_a if label not in steps_b),
        only_b=tuple(label for label in steps_b if label not in steps_a),
        chance=chance_of(
            [step["repeats"] for each in both for step in (steps_a[each], steps_b[each])]
        ),
        warnings=tuple(warnings_of(names, (a, b), differs)),
    )


def steps_of(record: RunRecord) -> dict[str, RunRecord]:
    return {label_of(step["step"]): step for step in record["result"]["steps"]}


def label_of(step: RunRecord) -> str:
    return LoadStep(step["kind"], step["value"]).label


def currency_of(a: RunRecord, b: RunRecord) -> str:
    """Empty where the two runs have different ones: such costs are not compared."""
    found = {(each["result"].get("money") or {}).get("cost", {}).get("currency") for each in (a, b)}
    return str(found.pop() or "") if len(found) == 1 else ""


def step_changes(
    label: str, a: RunRecord, b: RunRecord, known: Mapping[str, Metric]
) -> StepChanges:
    changes = []
    enough = min(a["repeats"], b["repeats"]) > 1
    for key, metric in known.items():
        if not metric.unit or key not in a["figures"] or key not in b["figures"]:
            continue
        one, other = Figure(**a["figures"][key]), Figure(**b["figures"][key])
        percent = 100 * (other.value / one.value - 1) if one.value else None
        verdict = verdict_of(one, other, metric, enough)
        changes.append(Change(key, metric.label, metric.unit, one, other, percent, verdict))
    failed_a, failed_b = (sum(each["failed"].values()) for each in (a, b))
    return StepChanges(label, failed_a, failed_b, tuple(changes))


def verdict_of(a: Figure, b: Figure, metric: Metric, enough: bool) -> ChangeVerdict:
    if not enough:
        return "noise unknown"
    if b.low > a.high:
        return "better" if metric.more else "worse"
    if b.high < a.low:
        return "worse" if metric.more else "better"
    return "within noise"


def chance_of(repeats: Sequence[int]) -> float | None:
    """Of m and n draws from the same distribution: two of the C(m+n, m) orders do not overlap."""
    fewest = min(repeats, default=0)
    return 2 / comb(2 * fewest, fewest) if fewest > 1 else None


def warnings_of(
    names: tuple[str, str], records: tuple[RunRecord, RunRecord], differs: Iterable[RunDifference]
) -> Iterator[str]:
    for name, record in zip(names, records, strict=True):
        if record["result"]["stopped"]:
            yield f"{name} is incomplete: {record['result']['stopped']}"
    if any(each.what.startswith(WORKLOAD) for each in differs):
        yield "the two runs had different workloads: figures differ for that reason too"


def workload_differences(a: RunRecord, b: RunRecord) -> Iterator[RunDifference]:
    """Of what was sent; the choice of steps does not count. Another seed is another workload only
    in its words: it is named, and not warned of.
    """
    one, other = a["result"]["workload"], b["result"]["workload"]
    if one["seed"] != other["seed"]:
        what = "seed of the prompts and arrival times"
        yield RunDifference(what, value_text(one["seed"]), value_text(other["seed"]))
    for key in ("input_tokens", "output_tokens", "requests", "duration_s"):
        if one[key] != other[key]:
            yield RunDifference(f"{WORKLOAD}: {key}", value_text(one[key]), value_text(other[key]))
    exact = [each["result"]["exact_lengths"] for each in (a, b)]
    if exact[0] != exact[1]:
        kinds = ["tokens" if each else "words" for each in exact]
        yield RunDifference(f"{WORKLOAD}: prompts counted in", *kinds)


def server_differences(a: Provenance, b: Provenance) -> Iterator[RunDifference]:
    """What was run, where, and with which software; of the names only the well-known ones."""
    facts = ([*provenance_facts(each), *host_facts(each.hosts)] for each in (a, b))
    for each in compare_facts(*facts):
        if each.subject != "names":
            yield RunDifference(f"{each.subject}: {each.name}", each.first, each.second)
        elif each.name in NAMES:
            yield RunDifference(each.name, each.first, each.second)


def server_of(record: RunRecord, name: str) -> Provenance:
    """Raises UsageError."""
    try:
        return provenance_of(record["server"])
    except (KeyError, ValueError) as error:
        what = f"its server cannot be read: {error}"
        raise UsageError(Problem(what, name, "bench again with this version")) from None


def value_text(value: object) -> str:
    return "" if value is None else str(value)
