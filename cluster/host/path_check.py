"""Try every path between this host and the others: TCP ports both ways, packets of full size.

Input: {"address" of the fast link, "nonce", "fixed": [port], "ranges": [[first, last]], "free": n}.
Output: {"ports": [[port, kind, "open" | "held" | why not]], "udp": port}; what it opened is `open`.
Input, when every host has said so: {"peers": [{"name", "address", "ports", "udp", "bytes"}]}, where
`bytes` is the size of an IP packet that must arrive whole.
Output: {"peers": {name: {"source": our address, "ports": {port: outcome}, "mtu": bytes or null}}}.
Then it goes on answering the others until its input ends.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import selectors
import socket
import time
from typing import Any

from cluster.host import path_size

DIAL_LIMIT_S = 2.5  # a SYN that was lost is sent again after 1 s
STAND_LIMIT_S = 30.0  # for the controller to hear from all hosts
TICK_S = 0.05
FROM_RANGE = 2
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = (
    10,
    3,
)  # never fragment, whatever the kernel believes of the path
OUTCOMES = {0: "open", errno.ECONNREFUSED: "refused"}


def main(request: dict[str, Any]) -> None:
    loop = selectors.DefaultSelector()
    ports = open_ports(loop, request)
    udp = Datagrams(loop, request["address"], request["nonce"].encode())
    say({"ports": ports, "udp": udp.port})
    line = next_line(loop)
    if line is None:
        return
    peers = json.loads(line)["peers"]
    dials = Dials(loop, peers)
    begun = time.monotonic()
    udp.probes = {peer["address"]: path_size.SizeProbe(peer["bytes"], begun) for peer in peers}
    while True:
        now = time.monotonic()
        if now > begun + DIAL_LIMIT_S:
            turn(loop, 0)  # what came while we were not scheduled counts
            dials.give_up()
        if not dials.pending and all(probe.done for probe in udp.probes.values()):
            break
        for peer in peers:
            udp.probe(peer["address"], peer["udp"], now)
        turn(loop, TICK_S)
    say({"peers": {peer["name"]: dials.found(peer, udp) for peer in peers}})
    next_line(loop)


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def turn(loop: selectors.BaseSelector, limit_s: float) -> None:
    for key, _ in loop.select(limit_s):
        key.data()


def next_line(loop: selectors.BaseSelector) -> str | None:
    """Serve the others meanwhile; None at the end of the input, or when nothing comes."""
    received: list[bytes] = []
    loop.register(0, selectors.EVENT_READ, lambda: received.append(os.read(0, 1 << 16)))
    limit = time.monotonic() + STAND_LIMIT_S
    while time.monotonic() < limit and not (received and received[-1][-1:] in (b"", b"\n")):
        turn(loop, TICK_S * 4)
    loop.unregister(0)
    text = b"".join(received)
    return text.decode() if text.endswith(b"\n") else None


def open_ports(loop: selectors.BaseSelector, request: dict[str, Any]) -> list[list[Any]]:
    """Ports of a range are taken from its end: Ray hands them out from its beginning."""
    address = request["address"]
    found = [[port, "fixed", opened(loop, address, port)] for port in request["fixed"]]
    for first, last in request["ranges"]:
        tried = (
            [port, "range", opened(loop, address, port)] for port in range(last, first - 1, -1)
        )
        found += take(FROM_RANGE, tried)
    for _ in range(request["free"]):
        listener = listening(loop, address, 0)
        found.append([listener.getsockname()[1], "free", "open"])
    return found


def take(count: int, tried: Any) -> list[list[Any]]:
    """The first ones that are open; where there is none, the one that was tried last."""
    found: list[list[Any]] = []
    for entry in tried:
        if entry[2] == "open":
            found.append(entry)
        if len(found) == count:
            break
    return found


def opened(loop: selectors.BaseSelector, address: str, port: int) -> str:
    try:
        listening(loop, address, port)
    except OSError as error:
        return "held" if error.errno == errno.EADDRINUSE else str(error.strerror)
    return "open"


def listening(loop: selectors.BaseSelector, address: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    loop.register(listener, selectors.EVENT_READ, lambda: accept(listener))
    return listener


def accept(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.accept()[0].close()


class Dials:
    """Connections to every port of every peer, all at once."""

    def __init__(self, loop: selectors.BaseSelector, peers: list[dict[str, Any]]) -> None:
        self.loop = loop
        self.pending: dict[socket.socket, tuple[str, int]] = {}
        self.outcomes: dict[tuple[str, int], str] = {}
        self.sources: dict[str, str] = {}
        for peer in peers:
            for port in peer["ports"]:
                self.dial(peer["name"], peer["address"], port)

    def dial(self, name: str, address: str, port: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        self.pending[sock] = (name, port)
        self.loop.register(sock, selectors.EVENT_WRITE, functools.partial(self.settle, sock))
        code = sock.connect_ex((address, port))
        if code in (0, errno.EINPROGRESS):
            self.sources[name] = sock.getsockname()[0]
        else:
            self.end(sock, OUTCOMES.get(code, os.strerror(code)))

    def settle(self, sock: socket.socket) -> None:
        if sock in self.pending:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.end(sock, OUTCOMES.get(code, os.strerror(code)))

    def give_up(self) -> None:
        for sock in list(self.pending):
            self.end(sock, "dropped")

    def end(self, sock: socket.socket, outcome: str) -> None:
        self.loop.unregister(sock)
        sock.close()
        self.outcomes[self.pending.pop(sock)] = outcome

    def found(self, peer: dict[str, Any], udp: Datagrams) -> dict[str, Any]:
        name = peer["name"]
        return {
            "source": self.sources.get(name, ""),
            "ports": {port: self.outcomes[name, port] for port in peer["ports"]},
            "mtu": udp.probes[peer["address"]].largest,
        }


class Datagrams:
    """Sends packets that must not be fragmented, and answers those of others."""

    def __init__(self, loop: selectors.BaseSelector, address: str, nonce: bytes) -> None:
        self.nonce = nonce
        self.probes: dict[str, path_size.SizeProbe] = {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.bind((address, 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        loop.register(self.sock, selectors.EVENT_READ, self.receive)

    def receive(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, (address, port) = self.sock.recvfrom(1 << 16)
                if data.startswith(self.nonce + b"?"):
                    self.sock.sendto(b"%s!%d" % (self.nonce, len(data)), (address, port))
                elif data.startswith(self.nonce + b"!") and address in self.probes:
                    self.probes[address].heard(int(data[len(self.nonce) + 1 :]))

    def probe(self, address: str, port: int, now: float) -> None:
        for size in self.probes[address].due(now):
            with contextlib.suppress(OSError):  # larger than our own interface takes
                self.sock.sendto((self.nonce + b"?").ljust(size, b"."), (address, port))
