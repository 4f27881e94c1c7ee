"""Judges a sample, and all samples of a schema; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cluster.finding import Finding, State
from orchestrator.api.errors import ALL_REASONING, ASK_FOR_SCHEMA, LONGER, hint_of
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.schema import judged
from orchestrator.proofs.structured.subject import SchemaSubject

SampleVerdict = Literal[
    "met",
    "wrong",  # JSON that does not meet the schema
    "not JSON",
    "in reasoning",  # nothing but reasoning: the server's reasoning parser took the answer for it
    "truncated",  # cut off at the token limit before the schema was met
    "refused",  # the server rejected the schema
    "failed",  # no answer
]
SAMPLE_VERDICTS: tuple[SampleVerdict, ...] = get_args(SampleVerdict)
ABOUT_SCHEMA = re.compile(r"schema|grammar|structured|response_format|regex|\$ref", re.IGNORECASE)
NOT_JSON = "not valid JSON"
THOUGHT_ENDS = re.compile(r"</(?:seed:)?think(?:ing)?>|\[/THINK\]|<\|channel\|>analysis")
CONTROL_CHARACTER = "Invalid control character"
BACKEND = (
    "a simpler schema, or another backend: "
    """--set structured_outputs_config='{backend = "guidance"}'"""
)
READ_SAMPLES = "the samples are in samples.jsonl, next to the result"


@dataclass(frozen=True)
class Sample:
    """One answer; `errors` lists what is wrong, with the place in the JSON."""

    schema: str
    number: int
    seed: int
    verdict: SampleVerdict
    errors: tuple[str, ...]
    outcome: Outcome

    @property
    def text(self) -> str:
        return "" if isinstance(self.outcome, Failure) else self.outcome.text


@dataclass(frozen=True)
class SchemaResult:
    """`rate` is the share that meets the schema among the answers that were not cut off."""

    schema: str
    met: int
    wrong: int
    not_json: int
    in_reasoning: int
    truncated: int
    refused: int
    failed: int
    rate: float | None
    worst: Sample | None


def judge_sample(subject: SchemaSubject, number: int, seed: int, outcome: Outcome) -> Sample:
    """A text that meets the schema counts as met, even where it was cut off."""
    verdict, errors = judge_outcome(subject, outcome)
    return Sample(subject.name, number, seed, verdict, errors, outcome)


def judge_outcome(
    subject: SchemaSubject, outcome: Outcome
) -> tuple[SampleVerdict, tuple[str, ...]]:
    if isinstance(outcome, Failure):
        about = outcome.status in (400, 422) and ABOUT_SCHEMA.search(outcome.what)
        return ("refused" if about else "failed"), (f"{outcome.kind}: {outcome}",)
    _, errors = judged(outcome.text, subject.schema)
    if not errors:
        return "met", ()
    if (thought := outcome.reasoning) and not outcome.text.strip():
        is_met = not judged(thought, subject.schema)[1]
        if is_met or not outcome.truncated:
            meets = "meets the schema" if is_met else "holds no value of the schema"
            return "in reasoning", (f"no content, and a reasoning that {meets}",)
    if outcome.truncated:
        return "truncated", (f"cut off after {outcome.usage.completion} tokens",)
    if outcome.refusal and not outcome.text:
        return "not JSON", (f"the model refuses: {outcome.refusal}",)
    return ("not JSON" if errors[0].startswith(NOT_JSON) else "wrong"), errors


WORST_FIRST: tuple[SampleVerdict, ...] = (
    "wrong",
    "not JSON",
    "in reasoning",
    "refused",
    "failed",
    "truncated",
)


def schema_result(subject: SchemaSubject, samples: Sequence[Sample]) -> SchemaResult:
    count = dict.fromkeys(SAMPLE_VERDICTS, 0)
    for each in samples:
        count[each.verdict] += 1
    ended = count["met"] + count["wrong"] + count["not JSON"] + count["in reasoning"]
    bad = [each for verdict in WORST_FIRST for each in samples if each.verdict == verdict]
    return SchemaResult(
        schema=subject.name,
        met=count["met"],
        wrong=count["wrong"],
        not_json=count["not JSON"],
        in_reasoning=count["in reasoning"],
        truncated=count["truncated"],
        refused=count["refused"],
        failed=count["failed"],
        rate=count["met"] / ended if ended else None,
        worst=bad[0] if bad else None,
    )


def schema_finding(result: SchemaResult, where: str, wanted: int) -> Finding:
    """Truncated answers are a warning, or a failure where there are no others."""
    texts = [
        (f"{count} of {wanted} {what}", hint)
        for count, what, hint in shortcomings(result, wanted)
        if count
    ]
    if not texts:
        return Finding(result.schema, where, "pass", f"all {wanted} meet the schema")
    only_cut = texts[0][1] == LONGER
    what = "; ".join(text for text, _ in texts)
    if result.worst and not only_cut:
        what += f": {result.worst.errors[0]}"
    elif not result.met:
        what += ": this proves nothing"
    state: State = "warning" if only_cut and result.met else "failure"
    return Finding(result.schema, where, state, what, texts[0][1])


def count_of(result: SchemaResult, verdict: SampleVerdict) -> int:
    count: int = getattr(result, verdict.replace(" ", "_").lower())
    return count


def shortcomings(result: SchemaResult, wanted: int) -> list[tuple[int, str, str]]:
    """Count, meaning and hint; worst first."""
    sent = sum(count_of(result, verdict) for verdict in SAMPLE_VERDICTS)
    return [
        (result.wrong, "do not meet the schema", READ_SAMPLES),
        (result.not_json, "are not JSON", hint_of_not_json(result.worst)),
        (result.in_reasoning, "came as reasoning, without content", ALL_REASONING),
        (result.refused, "were refused by the server", BACKEND),
        (result.failed, "got no answer", hint_of_failed(result.worst)),
        (wanted - sent, "were not sent", "orchestrate status"),
        (result.truncated, "were cut off at the token limit", LONGER),
    ]


def hint_of_not_json(worst: Sample | None) -> str:
    """xgrammar 0.2.8 allows control characters in strings of limited length (its issue 800)."""
    if worst and CONTROL_CHARACTER in worst.errors[0]:
        return "does the schema limit a string's length? xgrammar has a bug there: docs/prove.md"
    if worst and THOUGHT_ENDS.search(worst.text):
        return "the model thinks within its text: serve it again with its --set reasoning_parser"
    if worst and isinstance(worst.outcome, Reply) and worst.outcome.refusal:
        return READ_SAMPLES
    return ASK_FOR_SCHEMA


def hint_of_failed(worst: Sample | None) -> str:
    return hint_of(worst.outcome) if worst and isinstance(worst.outcome, Failure) else ""
