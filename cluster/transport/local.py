"""The road to this machine itself: `--nodes local`, no SSH."""

import queue
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from cluster.errors import Unreachable
from cluster.inventory.node import Node
from cluster.transport.program import Program
from cluster.transport.protocol import COMMAND_TIMEOUT_S, Result, Session, Stream, too_slow


class Local:
    """Transport over subprocess."""

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        process = started(node, program)
        # a service keeps our pipes closed, but a stuck grandchild may not: never wait for the pipes
        timer = threading.Timer(timeout_s, process.kill)
        timer.start()
        try:
            out, err = process.communicate(program.stdin, timeout=timeout_s + 1)
        except subprocess.TimeoutExpired:
            raise too_slow(node, program, timeout_s) from None
        finally:
            expired = not timer.is_alive()
            timer.cancel()
        if expired:
            raise too_slow(node, program, timeout_s)
        return Result(
            process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
        )

    def session(self, node: Node, program: Program) -> Session:
        process = started(node, program, errors=subprocess.DEVNULL)
        assert process.stdin
        process.stdin.write(program.stdin)
        process.stdin.flush()
        return LocalSession(process)

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
            [*words, *program.command.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    except OSError as error:
        raise Unreachable(node.name, f"cannot run a program: {error}") from None


@dataclass
class LocalSession:
    process: subprocess.Popen[bytes]
    received: queue.Queue[str | None] = field(default_factory=queue.Queue)
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with suppress(ValueError):
            for line in self.process.stdout:
                self.received.put(line.decode(errors="replace").rstrip("\n"))
        self.received.put(None)

    def lines(self, timeout_s: float) -> Iterator[str]:
        while True:
            try:
                line = self.received.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError(f"silent for {timeout_s:g} s") from None
            if line is None:
                return
            yield line

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        with suppress(OSError, ValueError):
            self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(1)  # a grandchild may hold the pipe: then it stays with the reader
        if not self.reader.is_alive():
            self.process.stdout.close()
