"""Which road leads to the hosts of an inventory."""

from cluster.inventory.config import ClusterConfig
from cluster.transport.local import Local
from cluster.transport.protocol import Transport
from cluster.transport.ssh import SSH


def open_transport(config: ClusterConfig) -> Transport:
    return Local() if config.is_local else SSH(config.ssh)
