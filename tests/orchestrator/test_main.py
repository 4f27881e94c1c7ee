"""Exit codes, and that an error is one line with its place."""

import pytest
import typer

from cluster.errors import ConfigError, HostError, Problem
from orchestrator.main import exit_code_of
from tests.support.typed import exit_code


def failing(error: BaseException) -> int:
    def verb() -> None:
        raise error

    return exit_code_of(verb)


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (HostError("h1", "broken", "look"), 1, "error: h1: broken\n  hint: look\n"),
        (ConfigError(Problem("bad", "f"), Problem("worse")), 2, "error: f: bad\nerror: worse\n"),
        (KeyboardInterrupt(), 130, "warning: interrupted\n"),
        (typer.Abort(), 130, "warning: interrupted\n"),
        (ZeroDivisionError("x"), 1, "error: ZeroDivisionError: x\n  hint: this is a bug in"),
    ],
)
def test_exit_codes_and_messages(
    error: BaseException, code: int, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error) == code
    printed = capsys.readouterr()
    assert printed.err.startswith(shown)
    assert printed.out == ""


@pytest.mark.parametrize("words", [[], ["cluster"]])
def test_no_verb_gives_the_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(*words) == 2
    assert capsys.readouterr().out.startswith("Usage: ")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out.startswith("orchestrate 0.")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["status", "--nodes", "/nowhere/nodes.toml"], "/nowhere/nodes.toml: no such inventory"),
        (["serve", "--nodes", "local"], "no recipe is named"),
        (["serve", "--model", "tiny", "--set", "x", "--nodes", "local"], "`x` is not key=value"),
        (["no-such-verb"], "no-such-verb"),
        (["logs", "--lines", "-1", "--nodes", "local"], "--lines"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    words: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    assert shown in capsys.readouterr().err


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    assert "teardown" in capsys.readouterr().out
