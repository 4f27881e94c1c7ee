"""The verb `generate`: one prompt, one answer, repeated only where that is safe."""

from dataclasses import dataclass
from typing import Any

from cluster.execution.retry import again
from cluster.transport.parallel import Tell
from orchestrator.api.errors import RequestFailed, SchemaNotMet
from orchestrator.api.prompt import Prompt
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.schema import judged
from orchestrator.api.send import ANSWER_LIMIT_S, Hear, Server, connected, send, silent
from orchestrator.api.target import Target

ATTEMPTS = 4
LONGEST_PAUSE_S = 30.0
FIRST_PAUSE_S = 0.25


@dataclass(frozen=True)
class Generation:
    """The answer; where a schema was given, the value it holds, or what is wrong with it."""

    url: str
    model: str
    reply: Reply
    value: Any = None
    errors: tuple[str, ...] = ()

    def require_schema_met(self) -> None:
        """Raises SchemaNotMet with the raw answer."""
        if self.errors:
            text, cut = self.reply.text, self.reply.truncated
            raise SchemaNotMet(text, self.errors, truncated=cut, where=self.url)


@dataclass(frozen=True)
class Hearing:
    """Who is told what: the text as it comes, and what is waited for."""

    hear: Hear = silent
    tell: Tell = silent


NOBODY = Hearing()


async def generate(
    target: Target, prompt: Prompt, *, timeout_s: float = ANSWER_LIMIT_S, hearing: Hearing = NOBODY
) -> Generation:
    """The answer, judged by the prompt's schema. Raises RequestFailed where none came."""
    async with connected(target.url, target.key) as server:
        reply = await replied(server, target, prompt, timeout_s, hearing)
    value, errors = (None, ()) if prompt.schema is None else judged(reply.text, prompt.schema)
    return Generation(target.shown, target.model, reply, value, errors)


async def replied(
    server: Server, target: Target, prompt: Prompt, timeout_s: float, hearing: Hearing
) -> Reply:
    call = prompt.call(target.model)
    if hearing.hear is not silent:
        call = call.streamed()

    async def attempt() -> Outcome:
        return await send(server, call, timeout_s=timeout_s, hear=hearing.hear)

    def waits(outcome: Outcome, pause_s: float) -> None:
        hearing.tell(f"{outcome}; again in {pause_s:g} s")

    outcome = await again(attempt, pause_before_next_s, attempts=ATTEMPTS, waits=waits)
    if isinstance(outcome, Failure):
        raise RequestFailed(outcome, target.shown)
    return outcome


def pause_before_next_s(outcome: Outcome, count: int) -> float | None:
    """Seconds until the same may be sent again; None where it may not.

    Safe is what was never sent, and what the server refused with a Retry-After (429, 503).
    """
    if not isinstance(outcome, Failure):
        return None
    if outcome.kind == "connect":
        return float(FIRST_PAUSE_S * 2 ** (count - 1))
    wait_s = outcome.retry_after_s
    if outcome.status in (429, 503) and wait_s is not None and wait_s <= LONGEST_PAUSE_S:
        return wait_s
    return None
