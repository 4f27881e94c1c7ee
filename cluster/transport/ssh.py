"""The road to other machines: connections whose host keys are checked."""

import logging
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import paramiko

from cluster.errors import Unreachable
from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.bounds import LineSplitter, Output, TooMuch
from cluster.transport.command import shell_line
from cluster.transport.program import Program
from cluster.transport.protocol import (
    COMMAND_TIMEOUT_S,
    Result,
    Session,
    Stream,
    too_much,
    too_slow,
)
from cluster.transport.ssh_channels import opened_port, opened_session
from cluster.transport.ssh_connect import Link
from cluster.transport.ssh_errors import Stopped, unreachable
from cluster.transport.ssh_jumps import Roads
from cluster.transport.way import asked_of

CHUNK = 1 << 16
BROKEN_HINT = "is the host overloaded or gone? `orchestrate status` shows it; then try again"
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # errors reach the user as ours


class SSH:
    """Transport over SSH; one connection a host, kept until close()."""

    def __init__(self, settings: SshTable) -> None:
        self._settings = settings
        self._roads = Roads(settings)
        self._links: dict[str, Link] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        channel = self._started(node, program)
        deadline = time.monotonic() + timeout_s
        try:
            with broken_is_unreachable(node):
                channel.shutdown_write()
                out, err = read_both(channel, deadline)
                while not channel.exit_status_ready() and time.monotonic() < deadline:
                    channel.status_event.wait(0.1)
        except TimeoutError:
            self._require_life(node, channel)
            raise too_slow(node, program, timeout_s) from None
        except TooMuch as error:
            raise too_much(node, program, error) from None
        finally:
            close_quietly(channel)
        if channel.exit_status < 0 and not channel.eof_received:  # else a signal ended it
            what = f"the connection broke during {program.command.argv[-1]}"
            raise Unreachable(node.name, what, BROKEN_HINT)
        return Result(channel.exit_status, out, err)

    def session(self, node: Node, program: Program) -> Session:
        return SshSession(node, program, self._started(node, program))

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        transport = self._link(node).transport
        try:
            channel = opened_port(node, transport, address, port, timeout_s)
        except ConnectionRefusedError:
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            transport.close()  # not the port but the host is silent: let nobody wait for it again
            what = f"the host stopped answering: {reason_of(error)}"
            raise Unreachable(node.name, what, BROKEN_HINT) from None
        return SshStream(channel)

    def paste(self, node: Node, command: str) -> str:
        return shlex.join(["ssh", *asked_of(node, self._settings).words(), command])

    def close(self) -> None:
        with self._guard:
            while self._links:
                _, link = self._links.popitem()
                with suppress(Exception):
                    link.close()
        self._roads.close()

    def _started(self, node: Node, program: Program) -> Any:
        words = program.command.argv
        if program.command.env:
            words = ("env", *(f"{k}={v}" for k, v in program.command.env.items()), *words)
        transport = self._link(node).transport
        try:
            with broken_is_unreachable(node):
                channel = opened_session(node, transport)
                channel.settimeout(COMMAND_TIMEOUT_S)
                channel.exec_command(shell_line(words))
                write_input(channel, program.stdin)
        except TimeoutError:
            what = f"takes no input within {COMMAND_TIMEOUT_S:g} s"
            raise Unreachable(node.name, what, BROKEN_HINT) from None
        return channel

    def _link(self, node: Node) -> Link:
        with self._guard:
            lock = self._locks.setdefault(node.name, threading.Lock())
        with lock:
            link = self._links.get(node.name)
            if link is None or not link.transport.is_active():
                try:
                    link = self._links[node.name] = self._roads.log_in(self._roads.way(node))
                except Stopped as stopped:
                    raise unreachable(node.name, stopped) from None
            return link

    def _require_life(self, node: Node, channel: Any) -> None:
        transport = channel.get_transport()
        if not transport.is_active():
            raise Unreachable(node.name, "the host stopped answering", BROKEN_HINT)


@contextmanager
def broken_is_unreachable(node: Node) -> Iterator[None]:
    """Whatever paramiko raises when a connection goes is ours to tell: EOFError is no Ctrl-C."""
    try:
        yield
    except TimeoutError:
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        what = f"the connection broke: {reason_of(error)}"
        raise Unreachable(node.name, what, BROKEN_HINT) from None


def reason_of(error: Exception) -> str:
    return str(error) or "the other side closed it"


def close_quietly(channel: Any) -> None:
    with suppress(Exception):
        channel.close()


def write_input(channel: Any, data: bytes) -> None:
    """A program that ended before it has read all says why by its output and exit code."""
    try:
        channel.sendall(data)
    except TimeoutError:
        raise
    except OSError:
        if not channel.eof_received:
            raise


def read_both(channel: Any, deadline: float) -> tuple[str, str]:
    """(standard output, standard error) to their ends, the whole of both before the deadline."""
    out, err = Output(), Output()
    for receive, output in ((channel.recv, out), (channel.recv_stderr, err)):
        while chunk := receive_before(receive, channel, deadline):
            output.add(chunk)
    return out.text(), err.text()


def receive_before(receive: Any, channel: Any, deadline: float) -> bytes:
    """A chunk, nothing at the end. Raises TimeoutError at the deadline, also in a steady stream."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
    chunk: bytes = receive(CHUNK)
    return chunk


@dataclass
class SshSession:
    node: Node
    program: Program
    channel: Any

    def lines(self, timeout_s: float) -> Iterator[str]:
        splitter = LineSplitter()
        while True:
            whole, ended = self._next_lines(splitter, timeout_s)
            yield from whole
            if ended:
                return

    def _next_lines(self, splitter: LineSplitter, timeout_s: float) -> tuple[list[str], bool]:
        """At least one line, or the end: bytes alone do not count as a sign of life."""
        deadline = time.monotonic() + timeout_s
        try:
            with broken_is_unreachable(self.node):
                while chunk := receive_before(self.channel.recv, self.channel, deadline):
                    if whole := splitter.add(chunk):
                        return whole, False
                return [rest] if (rest := splitter.rest()) else [], True
        except TooMuch as error:
            raise too_much(self.node, self.program, error) from None

    def send(self, text: str) -> None:
        try:
            with broken_is_unreachable(self.node):
                self.channel.sendall(text.encode())
        except TimeoutError:
            raise Unreachable(self.node.name, "takes no more input", BROKEN_HINT) from None

    def close(self) -> None:
        with suppress(Exception):
            self.channel.shutdown_write()
        close_quietly(self.channel)


@dataclass(eq=False)  # a forward keeps its streams in a set
class SshStream:
    """A connection through the host; all that goes wrong with it is an OSError."""

    channel: Any

    def recv(self, size: int, /) -> bytes:
        with broken_is_oserror():
            chunk: bytes = self.channel.recv(size)
            return chunk

    def sendall(self, data: bytes, /) -> None:
        with broken_is_oserror():
            self.channel.sendall(data)

    def settimeout(self, seconds: float | None, /) -> None:
        self.channel.settimeout(seconds)

    def close(self) -> None:
        close_quietly(self.channel)


@contextmanager
def broken_is_oserror() -> Iterator[None]:
    try:
        yield
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionResetError(reason_of(error)) from None
