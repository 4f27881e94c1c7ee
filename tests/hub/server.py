"""The hub as a server with threads, on a port of its own, and its CDN on a second one."""

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.hub.answers import HubRequest
from tests.hub.faults import Fault
from tests.hub.repository import Blob, Repository

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """A request as it came; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    cdn: bool

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


class Port(ThreadingHTTPServer):
    daemon_threads = True
    hub: "Hub"
    is_cdn = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in mid-answer is what tests do."""


@dataclass
class Hub:
    """Repositories, tokens that open the closed ones, faults; what was asked and sent."""

    ports: tuple[Port, Port]
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    strangers: set[str] = field(default_factory=set)
    takes_ranges: bool = True
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def up(cls, address: str = LOOPBACK) -> Self:
        """Listen. For a testbed's hosts: inside `with testbed.inside()`, on an address there."""
        ports = (Port((address, 0), HubRequest), Port((address, 0), HubRequest))
        hub = cls(ports)
        ports[1].is_cdn = True
        for port in ports:
            port.hub = hub
            threading.Thread(target=port.serve_forever, args=(0.02,), daemon=True).start()
        return hub

    def down(self) -> None:
        """Refuse connections from now on; what is being sent goes on."""
        for port in self.ports:
            port.shutdown()
            port.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for fault in self.faults:
            if fault.hold:
                fault.hold.released.set()
        with suppress(OSError):
            self.down()

    @property
    def url(self) -> str:
        return self._url(0)

    @property
    def cdn_url(self) -> str:
        return self._url(1)

    def _url(self, number: int) -> str:
        address, port = self.ports[number].server_address[:2]
        return f"http://{address!s}:{port}"

    def add(self, repository: Repository) -> Repository:
        self.repositories[repository.name] = repository
        return repository

    def fault(self, fault: Fault) -> Fault:
        self.faults.append(fault)
        return fault

    def struck(self, method: str, path: str) -> Fault | None:
        with self.guard:
            return next((each for each in self.faults if each.strikes(method, path)), None)

    def note(self, asked: Asked) -> None:
        with self.guard:
            self.asked.append(asked)

    def count(self, etag: str, size: int) -> None:
        with self.guard:
            self.sent[etag] += size

    def blob(self, sha256: str) -> Blob | None:
        every = (
            b for r in self.repositories.values() for c in r.commits.values() for b in c.values()
        )
        return next((blob for blob in every if blob.lfs and blob.sha256 == sha256), None)

    @property
    def bytes_sent(self) -> int:
        """Bytes of files, without answers of the API."""
        with self.guard:
            return sum(self.sent.values())
