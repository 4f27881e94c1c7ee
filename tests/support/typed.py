"""What a person sees who types `orchestrate ...`."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from orchestrator.main import app, exit_code_of


def exit_code(*words: str) -> int:
    """Of the command line of this process; what it prints is for `capsys`."""
    line = list(words)
    return exit_code_of(lambda: app(line, prog_name="orchestrate", standalone_mode=False))


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
        code = exit_code(*words)
    return Typed(code, out.getvalue(), err.getvalue())
