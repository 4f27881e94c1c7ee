"""The road to this machine itself: `--nodes local`, no SSH."""

import os
import queue
import select
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, cast

from cluster.errors import Unreachable
from cluster.inventory.node import Node
from cluster.transport.bounds import LineSplitter, Output, TooMuch
from cluster.transport.program import Program
from cluster.transport.protocol import (
    COMMAND_TIMEOUT_S,
    Result,
    Session,
    Stream,
    too_much,
    too_slow,
)

CHUNK = 1 << 16
LINES_WAITING = 10_000  # then whoever writes them waits


class Local:
    """Transport over subprocess."""

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        process = started(node, program)
        deadline = time.monotonic() + timeout_s
        try:
            out, err = talk(process, program.stdin, deadline)
            code = process.wait(max(0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise too_slow(node, program, timeout_s) from None
        except TooMuch as error:
            raise too_much(node, program, error) from None
        finally:  # a stuck grandchild may hold the pipes: they are closed, never waited for
            end(process)
        return Result(code, out, err)

    def session(self, node: Node, program: Program) -> Session:
        process = started(node, program, errors=subprocess.DEVNULL)
        assert process.stdin
        process.stdin.write(program.stdin)
        process.stdin.flush()
        return LocalSession(node, program, process)

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        return socket.create_connection((address, port), timeout_s)

    def paste(self, node: Node, command: str) -> str:
        return command

    def close(self) -> None:
        """Nothing is kept open."""


def started(
    node: Node, program: Program, *, errors: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    words = ["env", *(f"{key}={value}" for key, value in program.command.env.items())]
    try:
        return subprocess.Popen(
            [*words, *program.command.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    except OSError as error:
        raise Unreachable(node.name, f"cannot run a program: {error}") from None


def talk(process: subprocess.Popen[bytes], stdin: bytes, deadline: float) -> tuple[str, str]:
    """Write the input, read (standard output, standard error) to their ends, all of it before the
    deadline. Raises TimeoutError, TooMuch.
    """
    assert process.stdin
    assert process.stdout
    assert process.stderr
    outputs = {process.stdout: Output(), process.stderr: Output()}
    left = memoryview(stdin)
    with selectors.DefaultSelector() as ready:
        for pipe in outputs:
            ready.register(pipe, selectors.EVENT_READ)
        ready.register(process.stdin, selectors.EVENT_WRITE)
        while ready.get_map():
            events = ready.select(max(0, deadline - time.monotonic()))
            if not events:
                raise TimeoutError
            for key, _ in events:
                pipe = cast(IO[bytes], key.fileobj)
                if pipe is process.stdin:
                    left = left[written(pipe, left) :]
                    open_still = bool(left)
                else:
                    chunk = os.read(pipe.fileno(), CHUNK)
                    outputs[pipe].add(chunk)
                    open_still = bool(chunk)
                if not open_still:
                    ready.unregister(pipe)
                    pipe.close()
    return outputs[process.stdout].text(), outputs[process.stderr].text()


def written(pipe: IO[bytes], data: memoryview) -> int:
    """How much went in; all of it where nobody reads any more."""
    try:
        return os.write(pipe.fileno(), data[: select.PIPE_BUF])
    except BrokenPipeError:
        return len(data)


def end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with suppress(OSError):
                pipe.close()
    if process.poll() is None:
        process.kill()
        process.wait()


@dataclass
class LocalSession:
    node: Node
    program: Program
    process: subprocess.Popen[bytes]
    received: queue.Queue[str | TooMuch | None] = field(
        default_factory=lambda: queue.Queue(LINES_WAITING)
    )
    reader: threading.Thread = field(init=False)
    closed: bool = False

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        splitter = LineSplitter()
        try:
            while chunk := os.read(self.process.stdout.fileno(), CHUNK):
                for line in splitter.add(chunk):
                    self._put(line)
            if rest := splitter.rest():
                self._put(rest)
            self._put(None)
        except TooMuch as error:
            self._put(error)
        except (OSError, ValueError):
            self._put(None)

    def _put(self, line: str | TooMuch | None) -> None:
        """Wait for room, but not for a listener who has gone."""
        while not self.closed:
            with suppress(queue.Full):
                self.received.put(line, timeout=0.2)
                return

    def lines(self, timeout_s: float) -> Iterator[str]:
        while True:
            try:
                line = self.received.get(timeout=0 if self.closed else timeout_s)
            except queue.Empty:
                if self.closed:
                    return
                raise TimeoutError(f"silent for {timeout_s:g} s") from None
            if isinstance(line, TooMuch):
                raise too_much(self.node, self.program, line)
            if line is None:
                return
            yield line

    def send(self, text: str) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise Unreachable(self.node.name, f"the program has ended: {error}") from None

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.closed = True
        with suppress(OSError, ValueError):
            self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with suppress(queue.Full):  # wakes who waits for a line in another thread
            self.received.put_nowait(None)
        self.reader.join(1)  # a grandchild may hold the pipe: then it stays with the reader
        if not self.reader.is_alive():
            self.process.stdout.close()
