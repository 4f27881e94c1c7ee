"""The API key of a server that listens beyond loopback: made at first use, kept on its host."""

from cluster.execution.kept_secret import find_secret, secret_path
from cluster.execution.plan import Put
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.transport.protocol import Transport
from orchestrator.serving.endpoint import LOOPBACK

NAME = "api-key"


def find_key(transport: Transport, config: ClusterConfig, host: HostFacts) -> str:
    """The key on the host, a fresh one where there is none, or nothing on loopback."""
    if config.serve.host in LOOPBACK:
        return ""
    return find_secret(transport, config, host, NAME)


def api_key_path(config: ClusterConfig, host: HostFacts) -> str:
    return secret_path(config, host, NAME)


def key_step(config: ClusterConfig, host: HostFacts, key: str) -> Put:
    return Put(host.node, api_key_path(config, host), key, 0o600)
