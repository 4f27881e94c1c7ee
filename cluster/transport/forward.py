"""A port of this machine's loopback that leads to a port as seen from a host."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cluster.errors import HostError, OrchestrateError
from cluster.inventory.node import Node
from cluster.transport.protocol import Stream, Transport

DIAL_LIMIT_S = 10.0
CHUNK = 1 << 16
JOIN_LIMIT_S = 2.0


class NothingListens(HostError):
    """The host is there, and nobody accepts connections at this port."""


def require_listener(transport: Transport, node: Node, address: str, port: int) -> None:
    """Raises NothingListens."""
    try:
        transport.dial(node, address, port, DIAL_LIMIT_S).close()
    except OSError as error:
        what = f"nothing accepts connections at {address}:{port} ({error})"
        raise NothingListens(node.name, what, "orchestrate status") from None


@contextmanager
def forwarded(transport: Transport, node: Node, address: str, port: int) -> Iterator[int]:
    """The local port; whoever connects to it talks to `address`:`port` of the host.

    Raises NothingListens at once. All connections end with the context.
    """
    require_listener(transport, node, address, port)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    forward = Forward(transport, node, address, port, listener)
    thread = threading.Thread(target=forward.accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        forward.close()
        thread.join(JOIN_LIMIT_S)


@dataclass
class Forward:
    """Two threads a connection, one for each direction."""

    transport: Transport
    node: Node
    address: str
    port: int
    listener: socket.socket
    open: set[Stream] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def accept(self) -> None:
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.connect, args=(here,), daemon=True).start()

    def connect(self, here: socket.socket) -> None:
        """Dial, then carry bytes until either side ends."""
        try:
            there = self.transport.dial(self.node, self.address, self.port, DIAL_LIMIT_S)
            there.settimeout(None)
        except (OSError, OrchestrateError):
            here.close()
            return
        with self.guard:
            self.open |= {here, there}
        if self.closed:
            self.close()
        threading.Thread(target=self.carry, args=(there, here), daemon=True).start()
        self.carry(here, there)

    def carry(self, source: Stream, sink: Stream) -> None:
        with suppress(OSError, EOFError):
            while data := source.recv(CHUNK):
                sink.sendall(data)
        with self.guard:
            self.open -= {source, sink}
        hang_up(sink)
        hang_up(source)

    def close(self) -> None:
        self.closed = True
        hang_up(self.listener)
        with self.guard:
            left = list(self.open)
        for each in left:
            hang_up(each)


def hang_up(stream: Stream) -> None:
    """Close it, and wake the thread that waits for its next byte."""
    if isinstance(stream, socket.socket):
        with suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
    with suppress(OSError, EOFError):
        stream.close()
