"""What a person sees who types `orchestrate ...`."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from orchestrator.main import app, exit_code_of


@dataclass(frozen=True)
class Typed:
    """Exit code, standard output and standard error."""

    exit_code: int
    stdout: str
    stderr: str


def typed(*words: str) -> Typed:
    """The command line of this process; `words` come after `orchestrate`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code_of(
            lambda: app(list(words), prog_name="orchestrate", standalone_mode=False)
        )
    return Typed(code, out.getvalue(), err.getvalue())
