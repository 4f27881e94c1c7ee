"""Ask, turn by turn, and judge: a server that ignores what it is shown must fail."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cluster.checks.finding import Finding
from cluster.errors import Problem, UsageError
from cluster.transport.parallel import Tell
from orchestrator.api.errors import hint_of
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import chat
from orchestrator.api.send import Server, connected, send
from orchestrator.api.target import Target
from orchestrator.proofs.proof import Proof
from orchestrator.proofs.smoke import finding_of
from orchestrator.proofs.vision.cases import (
    ONE_WORD,
    OUTSIDE,
    Case,
    by_url,
    film,
    image,
    inline_cases,
    text,
)

LIMIT_S = 300.0  # for one answer: a model may think aloud before its one word
BLIND = re.compile(r"image|multi-?modal|modalit|vision", re.IGNORECASE)
ALLOWED = "allowed"  # in vLLM's words about a URL from elsewhere
OPEN = "start it with --allowed-media-domains, or serve a recipe with [media]"


@dataclass(frozen=True)
class Shown:
    """One case and what was answered."""

    case: str
    right: str
    answer: str
    tokens: int


@dataclass(frozen=True)
class VisionReport(Proof):
    answers: tuple[Shown, ...] = ()
    media: str = ""


def vision(target: Target, base: str | None, tell: Tell) -> VisionReport:
    """`base`: where the media server has the files. Raises UsageError for a model without eyes."""
    return asyncio.run(looked(target, base, tell))


async def looked(target: Target, base: str | None, tell: Tell) -> VisionReport:
    cases: Sequence[Case] = (*inline_cases(), *(by_url(base) if base else (film(None),)))
    findings, answers = [], []
    async with connected(target.url, target.key) as server:
        for number, case in enumerate(cases):
            tell(case.name)
            outcome = await conversation(server, target.model, case)
            if number == 0:
                require_eyes(target, outcome)
            findings.append(judged(target, case, outcome))
            if isinstance(outcome, Reply):
                said = Shown(case.name, case.right, outcome.text, outcome.usage.completion)
                answers.append(said)
        if base is None:
            findings.append(no_media(target))
        tell("a URL from elsewhere")
        parts = (image(OUTSIDE), text(ONE_WORD))
        outside = await conversation(server, target.model, Case("outside", (parts,), ""))
        findings.append(refused(target, outside))
    return VisionReport(target.shown, target.model, tuple(findings), tuple(answers), base or "")


async def conversation(server: Server, model: str, case: Case) -> Outcome:
    """The last answer; the model's own words stand between the turns."""
    messages: list[dict[str, Any]] = []
    for turn in case.turns:
        messages.append({"role": "user", "content": list(turn)})
        call = chat(model, messages, temperature=0)
        outcome = await send(server, call, timeout_s=LIMIT_S)
        if isinstance(outcome, Failure):
            return outcome
        messages.append({"role": "assistant", "content": outcome.text})
    return outcome


def require_eyes(target: Target, first: Outcome) -> None:
    """A 400 for another reason, as a context that is too short, is a failure like any other."""
    if isinstance(first, Failure) and first.status == 400 and BLIND.search(first.what):
        what = f"the model takes no images: {first.what}"
        raise UsageError(Problem(what, target.shown, "a vl- recipe: orchestrate models list"))


def judged(target: Target, case: Case, outcome: Outcome) -> Finding:
    made = finding_of(case.name, target)
    if isinstance(outcome, Failure):
        return made("failure", f"{outcome.kind}: {outcome}", hint_of(outcome))
    said = outcome.text.strip()
    if outcome.truncated:
        what = f"cut off after {outcome.usage.completion} tokens: {said[-80:]!r}"
        return made("failure", what, "it thinks too long, or repeats itself")
    if not case.is_right(said):
        return made("failure", f"not seen: {said[:160]!r}", "does it get what it is shown?")
    return made("pass", f"{said[:80]!r}", "")


def no_media(target: Target) -> Finding:
    what = "not asked: no media server of ours runs beside this model"
    return finding_of("image by URL", target)("warning", what, "a recipe with [media]")


def refused(target: Target, outcome: Outcome) -> Finding:
    """Only what names the rule is a refusal: a name that does not resolve fails in any server."""
    made = finding_of("URL from elsewhere", target)
    if isinstance(outcome, Reply):
        return made("failure", f"accepted {OUTSIDE}: {outcome.text[:80]!r}", OPEN)
    is_rule = ALLOWED in outcome.what.lower()
    if outcome.status is not None and 400 <= outcome.status < 500 and is_rule:
        return made("pass", f"refused: {outcome}", "")
    return made("failure", f"not refused by a rule, it failed: {outcome.kind}: {outcome}", OPEN)
