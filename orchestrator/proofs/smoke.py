"""The verb `test smoke`: is the server healthy, and does it give the same answer twice."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from cluster.finding import Finding
from cluster.reporter import Reporter
from orchestrator.api.errors import hint_of
from orchestrator.api.pages import ask_page
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import completion
from orchestrator.api.send import connected, send
from orchestrator.api.server_words import body_words
from orchestrator.api.target import Target, served_models
from orchestrator.proofs.proof import Proof
from orchestrator.serving.health import GENERATION_LIMIT_S, PROMPT, degenerate, problem_of

SMOKE_TOKENS = 16
BROKEN_KERNELS = (
    "a kernel that is wrong on this GPU: --set enforce_eager=true, another --set attention_backend"
)


@dataclass(frozen=True)
class SmokeReport(Proof):
    """The findings in the order of the checks; seconds count from the request."""

    text: str = ""
    tokens: int = 0
    first_token_s: float | None = None
    answer_s: float | None = None


def smoke(target: Target, reporter: Reporter) -> SmokeReport:
    """Check step by step; nothing more is sent to a server that cannot be reached."""
    reporter.tell(f"asking {target.shown}")
    health = check_health(target)
    if health.state == "failure":
        return SmokeReport(target.shown, target.model, (health,))
    models = check_models(target)
    reporter.tell(f"the same {SMOKE_TOKENS} tokens twice, at temperature 0")
    first, second = asyncio.run(send_twice(target))
    findings = (health, models, *check_answers(target, first, second))
    if isinstance(first, Failure):
        return SmokeReport(target.shown, target.model, findings)
    timing = first.timing
    return SmokeReport(
        target.shown,
        target.model,
        findings,
        first.text,
        first.usage.completion,
        timing.first_token_s,
        timing.total_s,
    )


def check_health(target: Target) -> Finding:
    """HTTP 200 is healthy. Servers other than vLLM may have no /health: a warning."""
    found = finding_maker("/health", target)
    try:
        with target.http() as http:
            started = time.monotonic()
            answer = ask_page(http, "/health")
    except httpx.HTTPError as error:
        return found("failure", f"no answer: {problem_of(error)}", "orchestrate status")
    if answer.status_code == 404:
        return found("warning", "this server has none", "nothing to do unless it is vLLM")
    if answer.status_code != 200:
        what = f"HTTP {answer.status_code} {body_words(answer.content)}"
        return found("failure", what, "orchestrate logs")
    return found("pass", f"HTTP 200 after {(time.monotonic() - started) * 1000:.0f} ms", "")


def check_models(target: Target) -> Finding:
    found = finding_maker("/v1/models", target)
    names = served_models(target)
    if target.model not in names:
        what = f"does not serve `{target.model}`, but {', '.join(names) or 'nothing'}"
        return found("failure", what, "choose one of these with --model")
    return found("pass", f"serves {', '.join(names)}", "")


async def send_twice(target: Target) -> tuple[Outcome, Outcome]:
    """Once as a stream, for the time to the first token, and once whole."""
    call = completion(target.model, PROMPT, max_tokens=SMOKE_TOKENS, temperature=0)
    async with connected(target.url, target.key) as server:
        first = await send(server, call.streamed(), timeout_s=GENERATION_LIMIT_S)
        if isinstance(first, Failure):
            return first, first
        return first, await send(server, call, timeout_s=GENERATION_LIMIT_S)


def check_answers(target: Target, first: Outcome, second: Outcome) -> tuple[Finding, ...]:
    generation, repeat = finding_maker("generation", target), finding_maker("same again", target)
    if isinstance(first, Failure):
        return (generation("failure", f"{first.kind}: {first}", hint_of(first)),)
    if not first.usage.completion and not first.text:
        return (generation("failure", "the answer is empty", "orchestrate logs"),)
    answer = generation("pass", reply_text(first), "")
    if what := degenerate(first.text, first.usage.completion):
        made = target.home is not None and target.home.endpoint.made_of is not None
        said = f"{what}: {reply_text(first)}"
        answer = generation(
            "warning" if made else "failure", said, hint_of_degenerate(target, made)
        )
    if isinstance(second, Failure):
        return answer, repeat("failure", f"{second.kind}: {second}", hint_of(second))
    if first.text != second.text:
        what = f"different text at temperature 0: first {first.text!r}, then {second.text!r}"
        return answer, repeat("failure", what, "orchestrate logs")
    return answer, repeat("pass", "the same text as a stream and whole", "")


def hint_of_degenerate(target: Target, made: bool) -> str:
    if made:
        return "its weights are random"
    if target.home is None:
        return BROKEN_KERNELS
    return f"{BROKEN_KERNELS}; or damaged weights: orchestrate models verify {target.recipe}"


def reply_text(reply: Reply) -> str:
    first_ms = (reply.timing.first_token_s or 0) * 1000
    tokens = str(reply.usage.completion) if reply.usage.is_known else "an unknown number"
    total_s = reply.timing.total_s
    return f"first token after {first_ms:.0f} ms, {tokens} in {total_s:.2f} s: {reply.text!r}"


def finding_maker(check: str, target: Target) -> Callable[..., Finding]:
    def finding(state: Any, what: str, hint: str) -> Finding:
        return Finding(check, target.shown, state, what, hint)

    return finding
