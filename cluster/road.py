"""Which road leads to the hosts of an inventory."""

from cluster.config import ClusterConfig
from cluster.local import Local
from cluster.ssh import SSH
from cluster.transport import Transport


def road_to(config: ClusterConfig) -> Transport:
    return Local() if config.is_local else SSH(config.ssh)
