"""What a shell gets that asks for words, the scripts, and both in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.main import VERBS
from tests.support.typed import typed

COMMAND = [sys.executable, "-c", "from orchestrator.main import main; main()"]


def completed(line: str) -> list[str]:
    """What may stand in place of the last word."""
    asked = {
        "_ORCHESTRATE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    done = subprocess.run(
        COMMAND, env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("orchestrate ser", ["serve"]),
        ("orchestrate ", list(VERBS.children(""))),
        ("orchestrate cluster st", ["start", "stop"]),
        ("orchestrate sample --res", ["--resume"]),
        ("orchestrate serve --mod", ["--model"]),
        ("orchestrate completion ba", ["bash"]),
        ("orchestrate no-such-verb x", []),
    ],
)
def test_words_of_the_table_and_options_of_the_verb(line: str, words: list[str]) -> None:
    assert completed(line) == words


@pytest.mark.parametrize(
    ("shell", "sign"),
    [("bash", "complete -o default -F"), ("zsh", "#compdef"), ("fish", "complete")],
)
def test_the_scripts(shell: str, sign: str) -> None:
    found = typed("completion", shell)
    assert found.exit_code == 0
    assert sign in found.stdout
    assert "_ORCHESTRATE_COMPLETE" in found.stdout


def test_a_shell_that_is_none_is_wrong_usage() -> None:
    assert typed("completion", "tcsh").exit_code == 2


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes_after_it_has_sourced_the_script(tmp_path: Path) -> None:
    """As on TAB: bash calls the function that the script has registered, and reads COMPREPLY."""
    program = tmp_path / "orchestrate"
    program.write_text(f"#!{sys.executable}\nfrom orchestrator.main import main\nmain()\n")
    program.chmod(0o755)
    script = (
        "source <(orchestrate completion bash);"
        "read -r _ _ _ _ function _ < <(complete -p orchestrate);"
        'COMP_WORDS=(orchestrate cluster st); COMP_CWORD=2; "$function" orchestrate st cluster;'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["start", "stop"]
