"""Open a channel of a connection; an sshd that does not allow one is told in words."""

import paramiko

from cluster.errors import HostError
from cluster.inventory.node import Node
from cluster.transport.ssh_errors import CONFIG, PROHIBITED


def opened_session(node: Node, transport: paramiko.Transport) -> paramiko.Channel:
    """For one program. Raises HostError where sshd takes no more, and paramiko's other errors."""
    try:
        return transport.open_session()
    except paramiko.ChannelException as error:
        raise HostError(
            node.name,
            f"its sshd takes no further program over one connection ({error.text})",
            f"MaxSessions 10, the default, or more in {CONFIG} there",
        ) from None


def opened_port(
    node: Node, transport: paramiko.Transport, address: str, port: int, timeout_s: float
) -> paramiko.Channel:
    """To a TCP port as seen from the host. Raises ConnectionRefusedError where nothing accepts,
    HostError where sshd forbids it, and paramiko's other errors.
    """
    try:
        return transport.open_channel("direct-tcpip", (address, port), ("", 0), timeout=timeout_s)
    except paramiko.ChannelException as error:
        if error.code == PROHIBITED:
            raise HostError(
                node.name,
                f"its sshd forwards no connection to {address}:{port} ({error.text})",
                f"AllowTcpForwarding yes, and no PermitOpen, in {CONFIG} there; "
                "then reload its sshd",
            ) from None
        raise ConnectionRefusedError(f"{address}:{port} on {node.name}: {error}") from None
