"""Reach one host on the way, hold its key against known_hosts, log in; paramiko reads no file of
~/.ssh by itself.
"""

import random
import socket
import time
from dataclasses import dataclass
from typing import Any

import paramiko

from cluster.transport.known_hosts import KnownHosts, Verdict, read_known_hosts
from cluster.transport.ssh_certificate import SUFFIX, is_certified
from cluster.transport.ssh_errors import (
    FAULTS,
    BehindJump,
    ProxyEnded,
)
from cluster.transport.ssh_login import log_in
from cluster.transport.ssh_options import Options
from cluster.transport.ssh_proxy import ProxyCommand, run_proxy

DEAD_PEER_MS = 10_000  # unacknowledged data for this long means that the peer is gone
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")  # of a key that known_hosts calls ssh-rsa
TRIES = 6  # sshd's MaxStartups drops callers at random while many come at once
PAUSE_S = 0.2


@dataclass(frozen=True)
class ShownKey:
    """The key that a host shows, and what known_hosts says of it."""

    kind: str
    text: str
    fingerprint: str
    verdict: Verdict
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A connection, and the ProxyCommand that carries it."""

    transport: paramiko.Transport
    proxy: ProxyCommand | None = None

    def close(self) -> None:
        self.transport.close()
        if self.proxy:
            self.proxy.close()


def logged_in(options: Options, via: paramiko.Transport | None, limit_s: float) -> Link:
    """Raises paramiko's errors, OSError, EOFError and those of ssh_errors; `via` stays open."""
    link = greeted(options, via, limit_s)
    try:
        shown = shown_key(options, link.transport, read_known(options))
        if shown.verdict != "known":
            raise FAULTS[shown.verdict](
                f"{shown.kind} {shown.fingerprint}", known=", ".join(shown.others)
            )
        log_in(options, link.transport, limit_s)
    except BaseException:
        link.close()
        raise
    return link


def read_known(options: Options) -> KnownHosts:
    return read_known_hosts((*options.known_hosts, *options.system_known_hosts))


def shown_key(options: Options, transport: paramiko.Transport, known: KnownHosts) -> ShownKey:
    key, entry = transport.get_remote_server_key(), options.entry
    verdict = known.verdict(entry, key.get_name(), key.asbytes())
    trusted = [each for each in known.authorities(entry) if not known.is_revoked(entry, each)]
    name = (options.host_key_alias or options.host).lower()
    if verdict != "revoked" and is_certified(key, name, trusted):
        verdict = "known"
    others = tuple(kind for kind in known.kinds(entry) if kind != key.get_name())
    return ShownKey(key.get_name(), key.get_base64(), key.fingerprint, verdict, others)


def greeted(options: Options, via: paramiko.Transport | None, limit_s: float) -> Link:
    """A connection on which both sides have agreed on keys; nobody is trusted yet.

    One that ends before the other side has said a word is tried again: an sshd that is busy with
    many callers sends some away.
    """
    known = read_known(options)
    for left in reversed(range(TRIES)):
        link = begun(options, via, known, limit_s)
        try:
            link.transport.start_client(timeout=limit_s)
            if not link.transport.initial_kex_done:
                raise paramiko.SSHException(f"nothing agreed within {limit_s:g} s")
            return link
        except (paramiko.SSHException, EOFError, OSError) as error:
            spoke, said = link.transport.remote_version, link.proxy and link.proxy.said()
            link.close()
            if link.proxy and not spoke:
                raise ProxyEnded(said or "nobody answers behind it") from None
            if spoke or was_silent(error) or not left:
                raise
        time.sleep(PAUSE_S * (TRIES - left) * random.uniform(0.5, 1.5))
    raise AssertionError("the last try raises")


def was_silent(error: Exception) -> bool:
    """Nothing came at all, and waiting has been long enough; paramiko wraps why."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def begun(
    options: Options, via: paramiko.Transport | None, known: KnownHosts, limit_s: float
) -> Link:
    sock = dialed(options, via, limit_s)
    proxy = sock if isinstance(sock, ProxyCommand) else None
    transport = paramiko.Transport(proxy.sock if proxy else sock)
    transport.banner_timeout = transport.handshake_timeout = limit_s
    transport.auth_timeout = transport.channel_timeout = limit_s
    prefer_known(transport, options.entry, known)
    return Link(transport, proxy)


def prefer_known(transport: paramiko.Transport, entry: str, known: KnownHosts) -> None:
    """Ask for the kinds of key that known_hosts has: another one would say nothing."""
    asked = transport.get_security_options()
    kinds = [
        name
        for kind in known.kinds(entry)
        for name in (RSA_SIGNATURES if kind == "ssh-rsa" else (kind,))
    ]
    if known.authorities(entry):
        kinds = [*(f"{name}{SUFFIX}" for name in asked.key_types), *kinds]
    able = {*asked.key_types, *(f"{name}{SUFFIX}" for name in asked.key_types)}
    first = [name for name in kinds if name in able]
    asked.key_types = [*first, *(name for name in asked.key_types if name not in first)]


def dialed(options: Options, via: paramiko.Transport | None, limit_s: float) -> Any:
    """A socket, a channel of the jump host, or the running ProxyCommand."""
    if via is not None:
        place = (options.host, options.port)
        try:
            return via.open_channel("direct-tcpip", place, ("", 0), timeout=limit_s)
        except paramiko.ChannelException as error:
            raise BehindJump(error) from None
    if options.proxy_command:
        return run_proxy(options.proxy_command)
    return connected(options, limit_s)


def connected(options: Options, limit_s: float) -> socket.socket:
    """To the first of the host's addresses that answers. Raises what the last one said."""
    places = socket.getaddrinfo(options.host, options.port, options.family, socket.SOCK_STREAM)
    errors: dict[Any, OSError] = {}
    for family, kind, _, _, place in places:
        sock = socket.socket(family, kind)
        try:
            sock.settimeout(limit_s)
            if options.bind_address:
                sock.bind((options.bind_address, 0))
            sock.connect(place)
            set_dead_peer_limit(sock)
            return sock
        except OSError as error:
            sock.close()
            errors[place] = error
    raise list(errors.values())[-1]


def set_dead_peer_limit(sock: socket.socket) -> None:
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
