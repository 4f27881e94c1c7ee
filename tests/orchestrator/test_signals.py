"""A run that is told to end, or whose terminal closes, ends as with Ctrl-C: what it began is taken
back, a file of a check in the cache too."""

import signal
import subprocess
import sys

import pytest

CODE = """
import os, signal, sys
from orchestrator.main import exit_code_of, take_for_interrupt
number = signal.Signals(int(sys.argv[1]))
if sys.argv[2:]:
    signal.signal(number, signal.SIG_IGN)
take_for_interrupt(number)
def verb():
    try:
        os.kill(os.getpid(), number)
        return 0
    finally:
        print("taken back", flush=True)
sys.exit(exit_code_of(verb))
"""


def ended(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_as_interrupted(number: signal.Signals) -> None:
    assert ended(str(int(number))) == (130, "taken back\n")


def test_under_nohup_it_goes_on() -> None:
    assert ended(str(int(signal.SIGHUP)), "ignored") == (0, "taken back\n")
