"""The road to other machines: fabric connections whose host keys are checked."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fabric
import paramiko

from cluster.errors import HostError, Unreachable
from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.command import shell_line
from cluster.transport.program import Program
from cluster.transport.protocol import COMMAND_TIMEOUT_S, Result, Session, Stream, too_slow
from cluster.transport.ssh_errors import RejectUnknown, why_unreachable

DEAD_PEER_MS = 10_000  # unacknowledged data for this long means that the peer is gone
CHUNK = 1 << 16
SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # errors reach the user as ours


class SSH:
    """Transport over SSH; one connection a host, kept until close()."""

    def __init__(self, settings: SshTable) -> None:
        self._settings = settings
        self._connections: dict[str, fabric.Connection] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        deadline = time.monotonic() + timeout_s + self._settings.connect_timeout_s
        channel = self._started(node, program)
        try:
            channel.shutdown_write()
            channel.settimeout(timeout_s)
            out = read_all(channel.recv, channel, deadline)
            err = read_all(channel.recv_stderr, channel, deadline)
            while not channel.exit_status_ready() and time.monotonic() < deadline:
                channel.status_event.wait(0.1)
        except TimeoutError:
            self._require_life(node, channel)
            raise too_slow(node, program, timeout_s) from None
        finally:
            channel.close()
        if channel.exit_status < 0:
            raise Unreachable(node.name, f"the connection broke during {program.command.words[-1]}")
        return Result(channel.exit_status, out, err)

    def session(self, node: Node, program: Program) -> Session:
        return SshSession(node.name, self._started(node, program))

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        transport = self._connection(node).transport
        try:
            stream: Stream = transport.open_channel(
                "direct-tcpip", (address, port), ("", 0), timeout=timeout_s
            )
        except paramiko.ChannelException as error:
            raise ConnectionRefusedError(f"{address}:{port} on {node.name}: {error}") from None
        except paramiko.SSHException as error:
            transport.close()  # not the port but the host is silent: let nobody wait for it again
            raise Unreachable(node.name, f"the host stopped answering: {error}") from None
        return stream

    def paste(self, node: Node, command: str) -> str:
        user = f"{node.user}@" if node.user else ""
        options = [f"-p {node.port}"] if node.port and node.port != 22 else []
        options += [f"-J {node.proxy_jump}"] if node.proxy_jump else []
        return " ".join(["ssh", *options, f"{user}{node.address}", shell_line((command,))])

    def close(self) -> None:
        with self._guard:
            while self._connections:
                _, connection = self._connections.popitem()
                with suppress(Exception):
                    connection.close()

    def _started(self, node: Node, program: Program) -> Any:
        words = program.command.words
        if program.command.env:
            words = ("env", *(f"{k}={v}" for k, v in program.command.env.items()), *words)
        try:
            channel = self._connection(node).create_session()
            channel.settimeout(COMMAND_TIMEOUT_S)
            channel.exec_command(shell_line(words))
            channel.sendall(program.stdin)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(node.name, f"the connection broke: {error}") from None
        return channel

    def _connection(self, node: Node) -> fabric.Connection:
        with self._guard:
            lock = self._locks.setdefault(node.name, threading.Lock())
        with lock:
            connection = self._connections.get(node.name)
            if connection is None or not connection.is_connected:
                connection = self._connections[node.name] = connect(node, self._settings)
            return connection

    def _require_life(self, node: Node, channel: Any) -> None:
        transport = channel.get_transport()
        if not transport.is_active():
            raise Unreachable(node.name, "the host stopped answering")


def connect(node: Node, settings: SshTable) -> fabric.Connection:
    """A logged-in connection. Raises Unreachable with the step that failed and what to do."""
    connection = new_connection(node, settings)
    try:
        check_host_keys(connection, settings)
        connection.open()
        set_dead_peer_limit(connection.transport.sock)
    except Exception as error:
        with suppress(Exception):
            connection.close()
        reason, hint = why_unreachable(error, connection.host, connection.port, connection.user)
        raise Unreachable(node.name, reason, hint) from None
    return connection


def new_connection(node: Node, settings: SshTable) -> fabric.Connection:
    """Not yet open; what the node leaves out comes from ~/.ssh/config."""
    limit = settings.connect_timeout_s
    options: dict[str, Any] = {
        "banner_timeout": limit,
        "auth_timeout": limit,
        "channel_timeout": limit,
    }
    if node.key_file:
        options["key_filename"] = str(Path(node.key_file).expanduser())
    jump = None
    if node.proxy_jump:
        jump = fabric.Connection(
            node.proxy_jump, connect_timeout=limit, connect_kwargs=dict(options)
        )
    return fabric.Connection(
        node.address,
        user=node.user,
        port=node.port,
        gateway=jump,
        connect_timeout=limit,
        connect_kwargs=options,
    )


def check_host_keys(connection: fabric.Connection, settings: SshTable) -> None:
    """fabric accepts any unknown key; this holds it, and every host it jumps through, to ours."""
    hop: Any = connection
    known_hosts = Path(settings.known_hosts).expanduser()
    while isinstance(hop, fabric.Connection):
        with suppress(FileNotFoundError):
            hop.client.load_system_host_keys(SYSTEM_KNOWN_HOSTS)
        with suppress(FileNotFoundError):
            hop.client.load_host_keys(str(known_hosts))
        hop.client.set_missing_host_key_policy(RejectUnknown())
        hop.connect_timeout = settings.connect_timeout_s
        hop = hop.gateway


def set_dead_peer_limit(sock: Any) -> None:
    if isinstance(sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)


def read_all(receive: Any, channel: Any, deadline: float) -> str:
    chunks: list[bytes] = []
    while True:
        channel.settimeout(max(0.01, deadline - time.monotonic()))
        chunk = receive(CHUNK)
        if not chunk:
            return b"".join(chunks).decode(errors="replace")
        chunks.append(chunk)


@dataclass
class SshSession:
    host: str
    channel: Any

    def lines(self, timeout_s: float) -> Iterator[str]:
        rest = b""
        self.channel.settimeout(timeout_s)
        while chunk := self.channel.recv(CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    def send(self, text: str) -> None:
        try:
            self.channel.sendall(text.encode())
        except OSError as error:
            raise HostError(self.host, f"the connection broke: {error}") from None

    def close(self) -> None:
        with suppress(Exception):
            self.channel.shutdown_write()
            self.channel.close()
