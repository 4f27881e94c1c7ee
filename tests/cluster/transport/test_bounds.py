"""What a host may say, and for how long; the program runs for real, on this machine."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import HostError, Unreachable
from cluster.transport.answers import OBJECT, answers, awaited
from cluster.transport.bounds import LineSplitter, Output, TooMuch
from cluster.transport.call import HostProgram, last_answer
from cluster.transport.command import Command
from cluster.transport.local import Local
from cluster.transport.program import Program
from cluster.transport.ssh import SshSession, read_both
from tests.support.factory import config_of, entry

NODE = config_of(entry(1)).node[0]
FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)"
DRIP = "import os, time\nwhile True: os.write(1, b'x'); time.sleep(0.01)"
JUNK = "import os, time\nwhile True: os.write(1, b'x\\n'); time.sleep(0.01)"


def python(code: str) -> Program:
    return Program(Command((sys.executable, "-c", code)), b"")


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_lines_come_out_as_one_split_would_give_them(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    found = [line for chunk in chunks for line in splitter.add(chunk)]
    assert [*found, splitter.rest()] == [
        part.decode(errors="replace") for part in b"".join(chunks).split(b"\n")
    ]


def test_a_line_without_an_end_is_cut_short() -> None:
    splitter = LineSplitter(limit_bytes=10)
    assert splitter.add(b"123456789\n12345") == ["123456789"]
    with pytest.raises(TooMuch):
        splitter.add(b"678901")


def test_an_answer_without_an_end_is_cut_short() -> None:
    output = Output(limit_bytes=4)
    output.add(b"1234")
    with pytest.raises(TooMuch):
        output.add(b"5")


def test_a_flood_ends_in_one_error() -> None:
    with pytest.raises(HostError, match="an answer of more than 64 MiB from"):
        Local().run(NODE, python(FLOOD))


ENDLESS = "while True: print('{}')"


def test_answers_without_end_are_left_after_the_whole_time() -> None:
    with (
        closing(Local().session(NODE, python(ENDLESS))) as session,
        pytest.raises(TimeoutError, match="no end within"),
    ):
        list(answers(session, OBJECT, 60, within_s=0.2))


def test_the_answer_that_is_waited_for_must_come_in_time() -> None:
    with closing(Local().session(NODE, python(ENDLESS))) as session:
        said = answers(session, OBJECT, 60)
        with pytest.raises(TimeoutError):
            awaited(said, lambda each: "held" in each, 0.2)
    assert awaited(iter([1, 2]), lambda each: each == 2, 60) == 2


def test_the_limit_is_for_the_whole_time() -> None:
    with pytest.raises(HostError, match=r"no answer within 0\.5 s"):
        Local().run(NODE, python(DRIP), timeout_s=0.5)


@pytest.mark.parametrize("code", [DRIP, JUNK])
def test_bytes_that_are_no_answer_are_no_sign_of_life(code: str) -> None:
    with closing(Local().session(NODE, python(code))) as session, pytest.raises(TimeoutError):
        next(answers(session, OBJECT, 0.5))


def test_a_session_line_without_an_end() -> None:
    with (
        closing(Local().session(NODE, python(FLOOD))) as session,
        pytest.raises(HostError, match="a line of more than 16 MiB from"),
    ):
        next(session.lines(30))


def test_whoever_listens_in_another_thread_is_told_that_the_session_is_closed() -> None:
    """As `serve` does, whose log says nothing more once the model is ready."""
    code = "import sys\nprint('one', flush=True)\nsys.stdin.read()"
    session, heard = Local().session(NODE, python(code)), threading.Event()
    got: list[str] = []

    def listen() -> None:
        for line in session.lines(600):
            got.append(line)
            heard.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert heard.wait(30)
    session.close()
    listener.join(30)
    assert not listener.is_alive()
    assert [line.strip() for line in got] == ["one"]


def test_input_is_written_while_output_is_read() -> None:
    echo = Program(Command(("cat",)), b"x" * (1 << 20))
    assert Local().run(NODE, echo).out == "x" * (1 << 20)


@pytest.mark.parametrize(
    "text", ["[" * 100_000 + "]" * 100_000, "Infinity", "NaN", "1e400", '{"a": -1e999}', "", "{"]
)
def test_what_no_program_of_ours_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        last_answer(NODE, HostProgram("cluster.host.probe", OBJECT), text)


class Channel:
    """A channel of paramiko's whose connection is reset."""

    def __init__(self, error: Exception, *chunks: bytes) -> None:
        self.error, self.chunks = error, list(chunks)

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, size: int) -> bytes:
        if not self.chunks:
            raise self.error
        return self.chunks.pop(0)

    recv_stderr = recv

    def sendall(self, data: bytes) -> None:
        raise self.error

    def shutdown_write(self) -> None:
        raise self.error

    close = shutdown_write


@pytest.mark.parametrize("error", [EOFError(), ConnectionResetError("reset by peer")])
def test_a_reset_is_a_lost_host_and_no_ctrl_c(error: Exception) -> None:
    session = SshSession(NODE, python(""), Channel(error, b'{"a": 1}\n'))
    lines: Iterator[str] = session.lines(5)
    assert next(lines) == '{"a": 1}'
    for action in (lambda: next(lines), lambda: session.send("x")):
        with pytest.raises(Unreachable, match="h1: the connection broke: ") as caught:
            action()
        assert "orchestrate status" in str(caught.value)
    session.close()


def test_a_command_ends_by_its_deadline_though_bytes_come() -> None:
    class Endless(Channel):
        def recv(self, size: int) -> bytes:
            return b"x"

    with pytest.raises(TimeoutError):
        read_both(Endless(EOFError()), time.monotonic() + 0.05)
