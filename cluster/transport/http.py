"""httpx over whatever road leads to the host; no local port is opened."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from cluster.inventory.node import Node
from cluster.transport.protocol import Stream, Transport

DIAL_LIMIT_S = 5.0


@contextmanager
def http_client(
    transport: Transport, node: Node, address: str, port: int, *, key: str = ""
) -> Iterator[httpx.Client]:
    """A client whose requests go to `address`:`port` as seen from the host."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    road = HostTransport(httpcore.ConnectionPool(network_backend=HostNetwork(transport, node)))
    base = f"http://{address}:{port}"
    with httpx.Client(base_url=base, transport=road, headers=headers, timeout=10) as client:
        yield client


class HostTransport(httpx.BaseTransport):
    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self._pool.request(
                request.method,
                str(request.url),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            kind = getattr(httpx, type(error).__name__, httpx.TransportError)
            raise kind(str(error) or type(error).__name__) from error
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)

    def close(self) -> None:
        self._pool.close()


@dataclass
class HostNetwork(httpcore.NetworkBackend):
    """Opens connections from the host, not from here."""

    transport: Transport
    node: Node

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            return HostStream(self.transport.dial(self.node, host, port, timeout or DIAL_LIMIT_S))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None


@dataclass
class HostStream(httpcore.NetworkStream):
    stream: Stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self.stream.settimeout(timeout)
            return self.stream.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout("no answer") from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self.stream.settimeout(timeout)
            self.stream.sendall(buffer)
        except OSError as error:
            raise httpcore.WriteError(str(error)) from None

    def close(self) -> None:
        self.stream.close()
