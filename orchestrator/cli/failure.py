"""How a run that failed ends: its message, its hint and its exit code."""

import typer
import typer.exceptions

from cluster.errors import OrchestrateError, Problem, UsageError
from orchestrator.cli.console import Console

INTERRUPTED = 130


def exit_code_after(error: BaseException, *, debug: bool) -> int:
    """Tell what went wrong. Raises what is no error of a verb, and with `debug` what is unknown."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        Console().warn("interrupted")
        return INTERRUPTED
    if isinstance(error, typer.exceptions.TyperException):
        if str(error).startswith("Usage:"):  # no verb was given: the help is the answer
            Console().raw(str(error))
        else:
            Console().fail(UsageError(Problem(error.format_message(), hint="orchestrate --help")))
        return UsageError.exit_code
    if debug or not isinstance(error, Exception):
        raise error
    known = error if isinstance(error, OrchestrateError) else bug(error)
    Console().fail(known)
    return known.exit_code


def bug(error: Exception) -> OrchestrateError:
    hint = "this is a bug in orchestrate: `orchestrate --debug VERB` shows where"
    return OrchestrateError(Problem(f"{type(error).__name__}: {error}", hint=hint))
