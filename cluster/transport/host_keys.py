"""Host keys: fetch them, compare them with known_hosts, add those that a person accepted."""

import os
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fabric
import paramiko
from paramiko.hostkeys import InvalidHostKey

from cluster.errors import OrchestrateError, Unreachable
from cluster.inventory.config import ClusterConfig, SshTable
from cluster.inventory.node import Node
from cluster.transport.known_hosts import read_known_hosts
from cluster.transport.parallel import gather
from cluster.transport.ssh_connect import check_host_keys, known_hosts_files, new_connection
from cluster.transport.ssh_errors import why_unreachable


@dataclass(frozen=True)
class HostKey:
    """The key that a host shows now, and what known_hosts says of it."""

    node: Node
    entry: str
    kind: str
    text: str
    fingerprint: str
    state: Literal["known", "unknown", "changed"]


def host_keys(config: ClusterConfig) -> list[tuple[Node, HostKey | OrchestrateError]]:
    """The keys of all hosts at once; a host that does not answer is a value."""
    return gather(config.node, lambda node: fetch(node, config.ssh))


def fetch(node: Node, settings: SshTable) -> HostKey:
    """Ask one host for its key, without logging in. Raises Unreachable."""
    connection = new_connection(node, settings)
    limit = settings.connect_timeout_s
    try:
        check_host_keys(connection, settings, known_hosts_files(settings))
        if connection.gateway:
            sock = connection.open_gateway()
        else:
            sock = socket.create_connection((connection.host, connection.port), limit)
        with closing(paramiko.Transport(sock)) as transport:
            transport.banner_timeout = limit
            transport.start_client(timeout=limit)
            key = transport.get_remote_server_key()
    except (OSError, EOFError, paramiko.SSHException, InvalidHostKey) as error:
        reason, hint = why_unreachable(error, connection.host, connection.port, connection.user)
        raise Unreachable(node.name, reason, hint) from None
    entry = entry_name(connection)
    return HostKey(
        node,
        entry,
        key.get_name(),
        key.get_base64(),
        key.fingerprint,
        state_of(entry, key, known_hosts_file(settings)),
    )


def entry_name(connection: fabric.Connection) -> str:
    host = str(connection.host)
    return host if connection.port == 22 else f"[{host}]:{connection.port}"


def known_hosts_file(settings: SshTable) -> Path:
    return Path(settings.known_hosts).expanduser()


def state_of(entry: str, key: paramiko.PKey, file: Path) -> Literal["known", "unknown", "changed"]:
    """A key of a kind that known_hosts has none of is unknown, not changed."""
    known = read_known_hosts(file)
    if known.is_revoked(key):
        return "changed"
    keys = known.keys.lookup(entry)
    if keys is None or key.get_name() not in keys:
        return "unknown"
    return "known" if known.keys.check(entry, key) else "changed"


def accept(keys: list[HostKey], settings: SshTable) -> None:
    """Append the keys to known_hosts, as ssh would write them."""
    file = known_hosts_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    cut = file.exists() and not file.read_bytes().endswith(b"\n")  # a last line edited by hand
    with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "w") as out:
        out.write("\n" if cut else "")
        out.writelines(f"{key.entry} {key.kind} {key.text}\n" for key in keys)
