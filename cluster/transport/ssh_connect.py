"""A logged-in connection to a host whose key we know; fabric's, and paramiko's below it."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import fabric

from cluster.errors import Unreachable
from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.known_hosts import KnownHosts, read_known_hosts
from cluster.transport.ssh_errors import RejectUnknown, RevokedHostKey, why_unreachable

DEAD_PEER_MS = 10_000  # unacknowledged data for this long means that the peer is gone
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


def connect(node: Node, settings: SshTable) -> fabric.Connection:
    """A logged-in connection. Raises Unreachable with the step that failed and what to do."""
    connection = new_connection(node, settings)
    try:
        known = known_hosts_files(settings)
        check_host_keys(connection, settings, known)
        connection.open()
        refuse_revoked(connection, known)
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


def hops(connection: fabric.Connection) -> Iterator[fabric.Connection]:
    """The connection, and those to the hosts that it jumps through."""
    hop: Any = connection
    while isinstance(hop, fabric.Connection):
        yield hop
        hop = hop.gateway


def check_host_keys(
    connection: fabric.Connection, settings: SshTable, known: Sequence[KnownHosts]
) -> None:
    """fabric accepts any unknown key; this holds it, and every host it jumps through, to ours."""
    for hop in hops(connection):
        for file in known:
            for host, keys in file.keys.items():
                for kind, key in keys.items():
                    hop.client.get_host_keys().add(host, kind, key)
        hop.client.set_missing_host_key_policy(RejectUnknown())
        hop.connect_timeout = settings.connect_timeout_s


def known_hosts_files(settings: SshTable) -> tuple[KnownHosts, ...]:
    own = Path(settings.known_hosts).expanduser()
    return read_known_hosts(SYSTEM_KNOWN_HOSTS), read_known_hosts(own)


def refuse_revoked(connection: fabric.Connection, known: Sequence[KnownHosts]) -> None:
    """Before anything is sent there. Raises RevokedHostKey."""
    for hop in hops(connection):
        key = hop.client.get_transport().get_remote_server_key()
        if any(file.is_revoked(key) for file in known):
            raise RevokedHostKey(f"{key.get_name()} {key.fingerprint}")


def set_dead_peer_limit(sock: Any) -> None:
    if isinstance(sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
