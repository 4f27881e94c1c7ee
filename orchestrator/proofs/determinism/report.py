"""What `test determinism` reports of its observations; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.finding import Finding, State
from orchestrator.api.errors import hint_of
from orchestrator.api.target import Target
from orchestrator.proofs.determinism.ask import BACKGROUND, DeterminismRequest, Observations
from orchestrator.proofs.determinism.background_load import BackgroundRequest, probe_prompt
from orchestrator.proofs.determinism.compare import (
    AnswerComparison,
    AnswerDivergence,
    LogprobDrift,
    Side,
    compare_answers,
    tokens_of,
)
from orchestrator.proofs.proof import Proof
from orchestrator.proofs.smoke import finding_maker

FEW = 4  # a greedy answer of a trained model repeats a token less often than this
INVARIANT = "VLLM_BATCH_INVARIANT"
CAUSES = "docs/determinism.md says what makes answers depend on the batch, and what does not"
NOTHING = AnswerComparison()


@dataclass(frozen=True)
class DeterminismReport(Proof):
    """Every distinct answer, where each one diverges from the first, and the background load.

    `run` begins the cache salts, so that nothing of an earlier run was in the prefix cache.
    """

    request: DeterminismRequest | None = None
    run: str = ""
    prompt: str = ""
    comparison: AnswerComparison = NOTHING
    background: tuple[BackgroundRequest, ...] = ()


def determinism_report(
    target: Target, request: DeterminismRequest, run: str, seen: Observations
) -> DeterminismReport:
    comparison = compare_answers(seen.answers) if seen.answers else NOTHING
    found = determinism_findings(target, request, seen, comparison)
    return DeterminismReport(
        target.shown,
        target.model,
        tuple(found),
        request,
        run,
        probe_prompt(request.seed),
        comparison,
        tuple(seen.background),
    )


def claims_invariance(target: Target) -> bool:
    return target.home is not None and target.home.service.env.get(INVARIANT) == "1"


def determinism_findings(
    target: Target, request: DeterminismRequest, seen: Observations, found: AnswerComparison
) -> Iterator[Finding]:
    yield requests_finding(target, seen, found)
    if not seen.answers:
        return
    if not tokens_of(seen.answers[0].reply):
        what = "no token ids and no logprobs came: nothing can be compared token by token"
        yield finding_maker("tokens", target)("failure", what, "vLLM gives both")
        return
    for condition in found.same_by_condition:
        yield tokens_finding(target, condition, found)
    yield logprobs_finding(target, request, seen, found)
    yield cache_finding(target, seen)


def requests_finding(target: Target, seen: Observations, found: AnswerComparison) -> Finding:
    finding = finding_maker("requests", target)
    if seen.failed:
        first = seen.failed[0]
        is_background = first.condition == BACKGROUND
        whose = "of the background load " if is_background else f"({first.condition}) "
        failure = first.failure
        what = f"request {first.number} {whose}failed: {failure.kind}: {failure}"
        return finding("failure", what, hint_of(failure))
    expected = tokens_of(seen.answers[0].reply)
    kinds = len(set(expected))
    distinct = f"{kinds} distinct token{'' if kinds == 1 else 's'}"
    what = f"{len(seen.answers)} answers of {len(expected)} tokens ({distinct})"
    what += f"; {len(seen.background)} requests of background load"
    what += f"; distinct answers: {found.token_sequences}"
    if kinds * FEW < len(expected):
        hint = "an answer that repeats itself has few close calls: another --seed, another model"
        return finding("warning", f"{what}; a weak test", hint)
    return finding("pass", what, "")


def tokens_finding(target: Target, condition: str, found: AnswerComparison) -> Finding:
    finding = finding_maker(condition, target)
    same, count = found.same_by_condition[condition]
    here = [each for each in found.divergences if each.condition == condition]
    if not here:
        return finding("pass", f"{same} of {count} have the tokens of the first answer", "")
    what = f"{len(here)} of {count} have other tokens; {divergence_text(here[0])}"
    return finding("failure", what, CAUSES)


def divergence_text(first: AnswerDivergence) -> str:
    one, two = first.reference, first.here
    return (
        f"request {first.request} diverges at token {first.position}: "
        f"{one.token}{logprob_text(one)} in the first answer, {two.token}{logprob_text(two)} here; "
        f"then {one.text!r} there, {two.text!r} here"
    )


def logprob_text(side: Side) -> str:
    if side.own is None:
        return ""
    if side.gap is None:
        return f" ({side.own:.6f}, the other not among the most likely)"
    return f" ({side.own:.6f}, {side.gap:.6f} above the other)"


def logprobs_finding(
    target: Target, request: DeterminismRequest, seen: Observations, found: AnswerComparison
) -> Finding:
    finding = finding_maker("logprobs", target)
    must_be_equal = request.bitwise or claims_invariance(target)
    state: State = "failure" if must_be_equal else "warning"
    if not seen.answers[0].reply.places:
        return finding(state, "the server gives none: tokens alone were compared", "")
    if found.drift is None:
        return finding("pass", "bitwise equal wherever the tokens are", "")
    return finding(state, drift_text(found.drift), CAUSES)


def drift_text(drift: LogprobDrift) -> str:
    return (
        f"the same tokens in {drift.answers} answers, but logprobs differ by up to "
        f"{drift.largest:.3g}; first in request {drift.request} ({drift.condition}) "
        f"at token {drift.position}"
    )


def cache_finding(target: Target, seen: Observations) -> Finding:
    """Whether cold was cold and warm was warm; background load has cache hits of its own."""
    finding = finding_maker("prefix cache", target)
    cold, warm = seen.hits.get("alone, cold"), seen.hits.get("alone, warm")
    if cold is None or warm is None:
        what = "the server does not count its cache hits: cold and warm are not confirmed"
        return finding("warning", what, "vLLM counts them at /metrics")
    what = f"prompt tokens found in it: {cold:.0f} when cold, {warm:.0f} when warm, sent alone"
    if cold or not warm:
        return finding(
            "warning", what, "is prefix caching off, or does somebody else use the server?"
        )
    return finding("pass", what, "")
