"""Whether names are looked up in time: the servers of resolv.conf, asked directly, and the libc.

A dead server does not show as long as /etc/hosts knows the name, but gRPC asks it all the same.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from cluster.host import storage

LIMIT_S = 1.5  # a healthy server needs milliseconds; the libc's own first limit is 5 s
PORT = 53
Asked = dict[str, storage.Child]


def start(names: list[str] | None) -> tuple[Asked, Asked]:
    """Begin to ask (servers, names) about these and our own name; None asks nothing."""
    if names is None:
        return {}, {}
    own = socket.gethostname()
    servers = {address: storage.Child(query(address, own)) for address in nameservers()}
    return servers, {name: storage.Child(lookup(name)) for name in (own, *names)}


def finish(children: Asked, limit_s: float = LIMIT_S) -> dict[str, str]:
    """By server or name: "" when it answers, else what is wrong."""
    return {key: verdict(*child.finish(limit_s), limit_s) for key, child in children.items()}


def verdict(code: int | None, out: str, limit_s: float) -> str:
    if code is None:
        return f"no answer within {limit_s:g} s"
    return "" if code == 0 else out.strip()[:120]


def nameservers() -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for line in Path("/etc/resolv.conf").read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                found.append(words[1])
    return found


def query(address: str, name: str) -> Callable[[int], None]:
    """One question for the name's address (RFC 1035); any answer will do, also `no such name`."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part)
    question = os.urandom(2) + struct.pack(">5H", 0x0100, 1, 0, 0, 0)
    question += labels + b"\0" + struct.pack(">2H", 1, 1)

    def work(writer: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, PORT))
            sock.send(question)
            sock.recv(512)

    return work


def lookup(name: str) -> Callable[[int], None]:
    def work(writer: int) -> None:
        with contextlib.suppress(socket.gaierror):  # an answer, even if it is `no such name`
            socket.getaddrinfo(name, None)

    return work
