"""The API key of a server that listens beyond loopback: made at first use, kept on its host."""

import secrets

from cluster.execution.plan import Put
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.transport.command import Command
from cluster.transport.program import Program
from cluster.transport.protocol import Transport
from orchestrator.serving.vllm import LOOPBACK


def find_key(transport: Transport, config: ClusterConfig, host: HostFacts) -> str:
    """The key on the host, a fresh one where there is none, or nothing on loopback."""
    if config.serve.host in LOOPBACK:
        return ""
    read = Program(Command(("cat", key_path(config, host))), b"")
    return transport.run(host.node, read).out.strip() or secrets.token_urlsafe(32)


def key_path(config: ClusterConfig, host: HostFacts) -> str:
    return f"{host.home}/.orchestrate/{config.name}/api-key"


def key_step(config: ClusterConfig, host: HostFacts, key: str) -> Put:
    return Put(host.node, key_path(config, host), key, 0o600)
