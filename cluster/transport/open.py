"""Which road leads to the hosts of an inventory."""

from cluster.inventory.config import ClusterConfig
from cluster.transport.local import Local
from cluster.transport.protocol import Transport


def open_transport(config: ClusterConfig) -> Transport:
    if config.is_local:
        return Local()
    from cluster.transport.ssh import SSH  # a fifth of a second of imports

    return SSH(config.ssh)
