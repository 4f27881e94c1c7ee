"""What went wrong with an answer, in the user's words."""

from collections.abc import Sequence

from cluster.errors import OrchestrateError, Problem
from orchestrator.api.reply import Failure
from orchestrator.api.target import KEY_HINT

ALL_REASONING = (
    "the server returned all of it as reasoning: does its reasoning_parser fit the model?"
)
LONGER = "a larger --max-tokens"
ASK_FOR_SCHEMA = "does the server support response_format json_schema?"


class RequestFailed(OrchestrateError):
    """No whole answer came; `failure` says how."""

    def __init__(self, failure: Failure, where: str) -> None:
        self.failure = failure
        super().__init__(Problem(f"{failure.kind}: {failure}", where, hint_of(failure)))


class SchemaNotMet(OrchestrateError):
    """The answer is not what the schema asks for; `raw` is the answer as it came.

    `truncated`: it was cut off at the token limit, so that it could not be whole.
    """

    def __init__(
        self,
        raw: str,
        errors: Sequence[str],
        *,
        truncated: bool,
        where: str,
        hint: str = ASK_FOR_SCHEMA,
    ) -> None:
        self.raw, self.errors, self.truncated = raw, tuple(errors), truncated
        if truncated:
            what = "the answer was cut off at the token limit before the schema was met"
            hint = LONGER
        else:
            what = f"the answer does not meet the schema: {'; '.join(errors)}"
        super().__init__(Problem(what, where, hint))


def hint_of(failure: Failure) -> str:
    if failure.status in (401, 403):
        return KEY_HINT
    if failure.kind == "rate limited" and failure.retry_after_s is not None:
        return f"again in {failure.retry_after_s:g} s"
    hints = {
        "connect": "orchestrate status",
        "timeout": "orchestrate status; orchestrate logs",
        "server error": "orchestrate logs",
        "broken": "orchestrate status; orchestrate logs",
        "invalid JSON": "is it an OpenAI-compatible server?",
        "no stream": "does it, or a proxy before it, know `stream`? it was sent as true",
        "rate limited": "again later",
    }
    return hints.get(failure.kind, "")
