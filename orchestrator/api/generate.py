"""The verb `generate`: one prompt, one answer, repeated only where that is safe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cluster.execution.retry import again
from cluster.reporter import SILENT, Reporter
from orchestrator.api.errors import ALL_REASONING, ASK_FOR_SCHEMA, RequestFailed, SchemaNotMet
from orchestrator.api.prompt import Prompt
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import Call
from orchestrator.api.schema import judged
from orchestrator.api.send import ANSWER_LIMIT_S, Hear, connected, send, unheard
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
            raise SchemaNotMet(
                self.reply.text,
                self.errors,
                truncated=self.reply.truncated,
                where=self.url,
                hint=hint_of_no_value(self.reply),
            )


async def generate(
    target: Target,
    prompt: Prompt,
    *,
    timeout_s: float = ANSWER_LIMIT_S,
    hear: Hear = unheard,
    reporter: Reporter = SILENT,
) -> Generation:
    """The answer, judged by the prompt's schema; `hear` gets its pieces as they come.

    Raises RequestFailed where none came.
    """
    async with connected(target.url, target.key) as server:
        ask = partial(send, server, call_of(target, prompt, hear), timeout_s=timeout_s, hear=hear)
        reply = await replied(ask, target, reporter)
    value, errors = (None, ()) if prompt.schema is None else judged(reply.text, prompt.schema)
    return Generation(target.shown, target.model, reply, value, errors)


def hint_of_no_value(reply: Reply) -> str:
    """Who is to blame where the answer holds no value of the schema."""
    if reply.text.strip():
        return ASK_FOR_SCHEMA
    if reply.refusal:
        return f"the model refuses: {reply.refusal}"
    return ALL_REASONING if reply.reasoning else ASK_FOR_SCHEMA


def call_of(target: Target, prompt: Prompt, hear: Hear) -> Call:
    call = prompt.call(target.model)
    return call if hear is unheard else call.streamed()


async def replied(
    ask: Callable[[], Awaitable[Outcome]], target: Target, reporter: Reporter
) -> Reply:
    def waits(outcome: Outcome, pause_s: float) -> None:
        reporter.tell(f"{outcome}; again in {pause_s:g} s")

    outcome = await again(ask, pause_before_next_s, attempts=ATTEMPTS, waits=waits)
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
