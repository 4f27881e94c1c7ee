"""What `test determinism` says of what it heard; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.checks.finding import Finding, State
from orchestrator.api.errors import hint_of
from orchestrator.api.target import Target
from orchestrator.proofs.determinism.ask import CROWD, Ask, Heard
from orchestrator.proofs.determinism.background_load import Companion, prompt_of
from orchestrator.proofs.determinism.compare import (
    Comparison,
    Drift,
    Parting,
    Side,
    compared,
    tokens_of,
)
from orchestrator.proofs.proof import Proof
from orchestrator.proofs.smoke import finding_of

FEW = 4  # a greedy answer of a trained model repeats a token less often than this
INVARIANT = "VLLM_BATCH_INVARIANT"
CAUSES = "docs/determinism.md says what makes answers depend on the batch, and what does not"
NOTHING = Comparison()


@dataclass(frozen=True)
class DeterminismReport(Proof):
    """Every distinct answer, where each one parts from the first answer, and the whole crowd.

    `run` began the cache salts: nothing of an earlier run was in the prefix cache.
    """

    ask: Ask | None = None
    run: str = ""
    prompt: str = ""
    comparison: Comparison = NOTHING
    crowd: tuple[Companion, ...] = ()


def report_of(target: Target, ask: Ask, run: str, heard: Heard) -> DeterminismReport:
    comparison = compared(heard.asked) if heard.asked else NOTHING
    found = findings(target, ask, heard, comparison)
    return DeterminismReport(
        target.shown,
        target.model,
        tuple(found),
        ask,
        run,
        prompt_of(ask.seed),
        comparison,
        tuple(heard.crowd),
    )


def claims_invariance(target: Target) -> bool:
    return target.home is not None and target.home.service.env.get(INVARIANT) == "1"


def findings(target: Target, ask: Ask, heard: Heard, found: Comparison) -> Iterator[Finding]:
    yield answered(target, heard, found)
    if not heard.asked:
        return
    if not tokens_of(heard.asked[0].reply):
        what = "neither token ids nor logprobs came: nothing can be compared token by token"
        yield finding_of("tokens", target)("failure", what, "vLLM gives both")
        return
    for way in found.same_by_way:
        yield tokens_finding(target, way, found)
    yield logprobs_finding(target, ask, heard, found)
    yield cache_finding(target, heard)


def answered(target: Target, heard: Heard, found: Comparison) -> Finding:
    made = finding_of("requests", target)
    if heard.lost:
        first = heard.lost[0]
        whose = "of the crowd " if first.way == CROWD else f"({first.way}) "
        failure = first.failure
        what = f"request {first.number} {whose}failed: {failure.kind}: {failure}"
        return made("failure", what, hint_of(failure))
    meant = tokens_of(heard.asked[0].reply)
    kinds = len(set(meant))
    what = f"{len(heard.asked)} answers of {len(meant)} tokens, {kinds} of them different"
    what += f"; {len(heard.crowd)} other requests in the crowd"
    what += f"; distinct answers: {found.token_sequences}"
    if kinds * FEW < len(meant):
        hint = "an answer that repeats itself has few close calls: another --seed, another model"
        return made("warning", f"{what}; a weak test", hint)
    return made("pass", what, "")


def tokens_finding(target: Target, way: str, found: Comparison) -> Finding:
    made = finding_of(way, target)
    same, count = found.same_by_way[way]
    here = [each for each in found.partings if each.way == way]
    if not here:
        return made("pass", f"{same} of {count} have the tokens of the first answer", "")
    what = f"{len(here)} of {count} have other tokens; {parted(here[0])}"
    return made("failure", what, CAUSES)


def parted(first: Parting) -> str:
    one, two = first.reference, first.here
    return (
        f"request {first.request} parts at token {first.position}: {one.token}{odds(one)} "
        f"in the first answer, {two.token}{odds(two)} here; "
        f"then {one.text!r} there, {two.text!r} here"
    )


def odds(side: Side) -> str:
    if side.own is None:
        return ""
    if side.gap is None:
        return f" ({side.own:.6f}, the other not among the likeliest)"
    return f" ({side.own:.6f}, {side.gap:.6f} above the other)"


def logprobs_finding(target: Target, ask: Ask, heard: Heard, found: Comparison) -> Finding:
    made = finding_of("logprobs", target)
    must_be_equal = ask.bitwise or claims_invariance(target)
    state: State = "failure" if must_be_equal else "warning"
    if not heard.asked[0].reply.places:
        return made(state, "the server gives none: tokens alone were compared", "")
    if found.drift is None:
        return made("pass", "bitwise equal wherever the tokens are", "")
    return made(state, drifted(found.drift), CAUSES)


def drifted(drift: Drift) -> str:
    return (
        f"the same tokens in {drift.answers} answers, but logprobs differ by up to "
        f"{drift.largest:.3g}; first in request {drift.request} ({drift.way}) "
        f"at token {drift.position}"
    )


def cache_finding(target: Target, heard: Heard) -> Finding:
    """Whether cold was cold and warm was warm; a crowd has hits of its own."""
    made = finding_of("prefix cache", target)
    cold, warm = heard.hits.get("alone, cold"), heard.hits.get("alone, warm")
    if cold is None or warm is None:
        what = "not known whether it was cold and warm: the server does not count its hits"
        return made("warning", what, "vLLM counts them at /metrics")
    what = f"tokens out of it: {cold:.0f} when cold, {warm:.0f} when warm, asked alone"
    if cold or not warm:
        return made("warning", what, "is prefix caching off, or does somebody else ask too?")
    return made("pass", what, "")
