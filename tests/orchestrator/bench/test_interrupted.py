"""`bench` that is told to end, by Ctrl-C or otherwise."""

import signal
import threading
from pathlib import Path

import pytest

from orchestrator.cli.interrupts import end_as_by_ctrl_c
from tests.orchestrator.bench.test_runner import SAYS, TOKENS, bench, kept
from tests.served.script import Delivery, Hang, Request, cut_to_max_tokens
from tests.served.server import serving


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_keeps_what_was_measured(
    told: signal.Signals, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    good, main = cut_to_max_tokens(lambda _: SAYS), threading.main_thread().ident
    assert main

    def script(request: Request) -> Delivery:
        if request.number == 11:  # in the second repeat of the first step
            signal.pthread_kill(main, told)
            return Hang()
        return good(request)

    with serving(script, pages=TOKENS) as server:
        assert bench(server, "--concurrency", "1,2") == 130
    record, requests = kept(folder)
    [step] = record["result"]["steps"]
    assert record["result"]["stopped"] == "interrupted"
    assert (step["repeats"], step["complete"], step["answered"]) == (1, False, 6)
    assert len(requests) == 11
    printed = capsys.readouterr()
    assert "INCOMPLETE: interrupted" in printed.out
    assert "(cut short)" in printed.out
    assert "report.html" in printed.err


def test_what_is_ignored_stays_ignored() -> None:
    """As below nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with end_as_by_ctrl_c():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
