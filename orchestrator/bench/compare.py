"""Two runs side by side: what differs between them, then each figure with its noise; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, Literal

from orchestrator.bench.cost import cost_metrics
from orchestrator.bench.figures import Figure, Metric, metrics

Json = Mapping[str, Any]
Verdict = Literal["better", "worse", "within noise", "noise unknown"]
WORKLOAD = "workload"


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in both; empty where one has none."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Change:
    """One figure; `percent` is from a to b. Beyond the noise: no repeat of one run lies among
    those of the other.
    """

    key: str
    label: str
    unit: str
    a: Figure
    b: Figure
    percent: float | None
    verdict: Verdict


@dataclass(frozen=True)
class StepChanges:
    step: str
    failed_a: int
    failed_b: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    """`chance` is how often a figure of two equal servers would seem beyond the noise."""

    a: str
    b: str
    differs: tuple[Difference, ...]
    steps: tuple[StepChanges, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    chance: float | None
    warnings: tuple[str, ...] = ()


def compare(names: tuple[str, str], a: Json, b: Json) -> Comparison:
    """Of the records that two result.json hold."""
    steps_a, steps_b = steps_of(a), steps_of(b)
    differs = (*workload_differences(a, b), *differences(a["server"], b["server"]))
    both = [label for label in steps_a if label in steps_b]
    known = {**metrics(), **cost_metrics(currency_of(a, b))}
    return Comparison(
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


def steps_of(record: Json) -> dict[str, Json]:
    return {label_of(step["step"]): step for step in record["result"]["steps"]}


def label_of(step: Json) -> str:
    value = f"{step['value']:g}"
    return f"{value} at once" if step["kind"] == "concurrency" else f"{value}/s"


def currency_of(a: Json, b: Json) -> str:
    """Empty where the two do not count in the same: such costs are not compared."""
    found = {(each["result"].get("money") or {}).get("cost", {}).get("currency") for each in (a, b)}
    return str(found.pop() or "") if len(found) == 1 else ""


def step_changes(label: str, a: Json, b: Json, known: Mapping[str, Metric]) -> StepChanges:
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


def verdict_of(a: Figure, b: Figure, metric: Metric, enough: bool) -> Verdict:
    if not enough:
        return "noise unknown"
    if b.low > a.high:
        return "better" if metric.more else "worse"
    if b.high < a.low:
        return "worse" if metric.more else "better"
    return "within noise"


def chance_of(repeats: Sequence[int]) -> float | None:
    """Of m and n draws from the same distribution: two of the C(m+n, m) orders are apart."""
    fewest = min(repeats, default=0)
    return 2 / comb(2 * fewest, fewest) if fewest > 1 else None


def warnings_of(
    names: tuple[str, str], records: tuple[Json, Json], differs: Iterable[Difference]
) -> Iterator[str]:
    for name, record in zip(names, records, strict=True):
        if record["result"]["stopped"]:
            yield f"{name} is incomplete: {record['result']['stopped']}"
    if any(each.what.startswith(WORKLOAD) for each in differs):
        yield "the two were not asked the same: figures differ for that reason too"


def workload_differences(a: Json, b: Json) -> Iterator[Difference]:
    """What was asked; not the seed, nor which steps."""
    one, other = a["result"]["workload"], b["result"]["workload"]
    for key in ("input_tokens", "output_tokens", "requests", "duration_s"):
        if one[key] != other[key]:
            yield Difference(f"{WORKLOAD}: {key}", shown(one[key]), shown(other[key]))
    exact = [each["result"]["exact_lengths"] for each in (a, b)]
    if exact[0] != exact[1]:
        kinds = ["tokens" if each else "words" for each in exact]
        yield Difference(f"{WORKLOAD}: prompts counted in", *kinds)


def differences(a: Json, b: Json) -> Iterator[Difference]:
    """What was run, where, and from which software."""
    for key in ("recipe", "served_name", "model", "revision", "commit", "split"):
        if a[key] != b[key]:
            yield Difference(key, shown(a[key]), shown(b[key]))
    options = options_of(a["arguments"]), options_of(b["arguments"])
    yield from unequal("argument", *options)
    yield from unequal("environment", a["environment"], b["environment"])
    yield from unequal("version", a["versions"], b["versions"])
    yield from unequal("host", hosts_of(a), hosts_of(b))
    if a["orchestrate"] != b["orchestrate"]:
        yield Difference("orchestrate", a["orchestrate"], b["orchestrate"])


def unequal(what: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted({*a, *b}):
        if a.get(key) != b.get(key):
            yield Difference(f"{what} {key}", shown(a.get(key)), shown(b.get(key)))


def options_of(words: Sequence[str]) -> dict[str, str]:
    """--name value, --name=value and bare --name; several values are joined."""
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            found[name] = value or "on"
        elif name:
            found[name] = word if found[name] == "on" else f"{found[name]} {word}"
    return found


def hosts_of(server: Json) -> dict[str, str]:
    return {
        host["name"]: f"{host['cores']} cores, {', '.join(host['gpus']) or 'no GPU'}"
        + (f", driver {host['driver']}" if host["driver"] else "")
        for host in server["hosts"]
    }


def shown(value: object) -> str:
    return "" if value is None else str(value)
