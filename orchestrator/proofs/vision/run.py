"""The verb `test vision`: a server that ignores pictures must fail."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cluster.errors import Problem, UsageError
from cluster.finding import Finding
from cluster.reporter import Reporter
from orchestrator.api.errors import ALL_REASONING, hint_of
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import chat
from orchestrator.api.send import Server, connected, send
from orchestrator.api.target import Target
from orchestrator.proofs.proof import Proof
from orchestrator.proofs.smoke import finding_maker
from orchestrator.proofs.vision.cases import (
    ONE_WORD,
    OUTSIDE,
    VisionCase,
    image_part,
    inline_cases,
    text_part,
    url_cases,
    video_case,
)

VISION_LIMIT_S = 300.0  # for one answer: a model may reason before its one word
TEXT_ONLY = re.compile(r"image|multi-?modal|modalit|vision", re.IGNORECASE)
ALLOWED = "allowed"  # in vLLM's words about a URL of another server
OPEN = "start it with --allowed-media-domains, or serve a recipe with [media]"


@dataclass(frozen=True)
class VisionAnswer:
    """One case and what was answered."""

    case: str
    right: str
    answer: str
    tokens: int


@dataclass(frozen=True)
class VisionReport(Proof):
    answers: tuple[VisionAnswer, ...] = ()
    media: str = ""


def vision(target: Target, base: str | None, reporter: Reporter) -> VisionReport:
    """`base`: where the media server has the files. Raises UsageError for a text-only model."""
    return asyncio.run(ask_cases(target, base, reporter))


async def ask_cases(target: Target, base: str | None, reporter: Reporter) -> VisionReport:
    cases: Sequence[VisionCase] = (
        *inline_cases(),
        *(url_cases(base) if base else (video_case(None),)),
    )
    findings, answers = [], []
    async with connected(target.url, target.key) as server:
        for number, case in enumerate(cases):
            reporter.tell(case.name)
            outcome = await conversation(server, target.model, case)
            if number == 0:
                require_vision(target, outcome)
            findings.append(answer_finding(target, case, outcome))
            if isinstance(outcome, Reply):
                tokens = outcome.usage.completion
                answers.append(VisionAnswer(case.name, case.right, outcome.text, tokens))
        if base is None:
            findings.append(no_media_finding(target))
        reporter.tell("a URL of another server")
        parts = (image_part(OUTSIDE), text_part(ONE_WORD))
        outside = await conversation(server, target.model, VisionCase("outside", (parts,), ""))
        findings.append(outside_finding(target, outside))
    return VisionReport(target.shown, target.model, tuple(findings), tuple(answers), base or "")


async def conversation(server: Server, model: str, case: VisionCase) -> Outcome:
    """The last answer; each turn is sent with the model's answers to the earlier ones."""
    messages: list[dict[str, Any]] = []
    for turn in case.turns:
        messages.append({"role": "user", "content": list(turn)})
        call = chat(model, messages, temperature=0)
        outcome = await send(server, call, timeout_s=VISION_LIMIT_S)
        if isinstance(outcome, Failure):
            return outcome
        messages.append({"role": "assistant", "content": outcome.text})
    return outcome


def require_vision(target: Target, first: Outcome) -> None:
    """A 400 for another reason, as a context that is too short, is a failure like any other."""
    if isinstance(first, Failure) and first.status == 400 and TEXT_ONLY.search(first.what):
        what = f"the model takes no images: {first.what}"
        raise UsageError(Problem(what, target.shown, "a vl- recipe: orchestrate models list"))


def answer_finding(target: Target, case: VisionCase, outcome: Outcome) -> Finding:
    finding = finding_maker(case.name, target)
    if isinstance(outcome, Failure):
        return finding("failure", f"{outcome.kind}: {outcome}", hint_of(outcome))
    answer = outcome.text.strip()
    if outcome.truncated:
        what = f"cut off after {outcome.usage.completion} tokens: {answer[-80:]!r}"
        return finding("failure", what, "it reasons too long, or repeats itself")
    if outcome.reasoning and not answer:
        what = f"no text, but reasoning: {outcome.reasoning.strip()[-80:]!r}"
        return finding("failure", what, ALL_REASONING)
    if not case.is_right(answer):
        return finding(
            "failure", f"wrong answer: {answer[:160]!r}", "does the picture reach the model?"
        )
    return finding("pass", f"{answer[:80]!r}", "")


def no_media_finding(target: Target) -> Finding:
    what = "not tested: no media server of ours runs on the model's host"
    return finding_maker("image by URL", target)("warning", what, "a recipe with [media]")


def outside_finding(target: Target, outcome: Outcome) -> Finding:
    """Passes where the server names its rule: a name that does not resolve fails anywhere."""
    finding = finding_maker("URL from elsewhere", target)
    if isinstance(outcome, Reply):
        return finding("failure", f"accepted {OUTSIDE}: {outcome.text[:80]!r}", OPEN)
    is_rule = ALLOWED in outcome.what.lower()
    if outcome.status is not None and 400 <= outcome.status < 500 and is_rule:
        return finding("pass", f"refused: {outcome}", "")
    return finding(
        "failure", f"failed, but not because a rule refused it: {outcome.kind}: {outcome}", OPEN
    )
