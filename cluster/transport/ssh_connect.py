"""A logged-in connection to a host whose key we know; fabric's, and paramiko's below it."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import fabric

from cluster.errors import Unreachable
from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.ssh_errors import RejectUnknown, why_unreachable

DEAD_PEER_MS = 10_000  # unacknowledged data for this long means that the peer is gone
SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"


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
