"""Sends the request of one chunk, and sends it again where that does no harm."""

from collections.abc import Callable

from cluster.errors import OrchestrateError, Problem
from cluster.execution.retry import again
from orchestrator.api.errors import RequestFailed
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import Call
from orchestrator.api.send import Server, send
from orchestrator.sampling.file_format import token_ids_of

CHUNK_ATTEMPTS = 6  # pauses of 15.5 s in all: less than any model takes to load
CHUNK_FIRST_PAUSE_S, CHUNK_LONGEST_PAUSE_S = 0.5, 30.0
TRANSIENT = ("connect", "rate limited", "server error", "broken", "invalid JSON")
OnRetry = Callable[[Failure, float], None]


async def send_with_retries(
    server: Server, call: Call, where: str, timeout_s: float, waits: OnRetry
) -> tuple[Reply, int]:
    """The answer and the number of attempts. Raises RequestFailed where no answer came."""
    count = 0

    async def attempt() -> Outcome:
        nonlocal count
        count += 1
        return await send(server, call, timeout_s=timeout_s)

    def on_retry(outcome: Outcome, pause_s: float) -> None:
        assert isinstance(outcome, Failure)
        waits(outcome, pause_s)

    outcome = await again(attempt, retry_pause_s, attempts=CHUNK_ATTEMPTS, waits=on_retry)
    if isinstance(outcome, Failure):
        raise RequestFailed(outcome, where)
    require_tokens(outcome, where)
    return outcome, count


def retry_pause_s(outcome: Outcome, count: int) -> float | None:
    """Seconds until the same may be sent again; None where it may not.

    Nothing was written yet and the seed is the same, so that the second attempt gives the same
    answer. After a time-out the first request may still run, and would share a batch with it.
    """
    if not isinstance(outcome, Failure) or outcome.kind not in TRANSIENT:
        return None
    if outcome.retry_after_s is not None:
        return outcome.retry_after_s if outcome.retry_after_s <= CHUNK_LONGEST_PAUSE_S else None
    return float(CHUNK_FIRST_PAUSE_S * 2 ** (count - 1))


def require_tokens(reply: Reply, where: str) -> None:
    """Text alone proves nothing: different tokens may have the same text."""
    ids = token_ids_of(reply)
    if not ids:
        what = "the answer has no token ids"
        raise OrchestrateError(Problem(what, where, "sample from vLLM, which returns token ids"))
    if len(reply.places) != len(ids):
        what = f"the answer has {len(ids)} tokens and {len(reply.places)} logprobs"
        raise OrchestrateError(Problem(what, where, "sample from vLLM, which returns both"))
