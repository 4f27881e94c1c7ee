"""A secret of the cluster: made at first use, kept on its host in a file of mode 0600."""

import re
import secrets

from pydantic import TypeAdapter

from cluster.errors import HostError
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.transport.call import HostProgram, call
from cluster.transport.protocol import Transport

GET = HostProgram("cluster.host.get", TypeAdapter(dict[str, str | None]))
SECRET = re.compile(r"[!-~]{1,512}")  # one word: a person may have put a key of their own there


def secret_path(config: ClusterConfig, host: HostFacts, name: str) -> str:
    return f"{host.home}/.orchestrate/{config.name}/{name}"


def find_secret(transport: Transport, config: ClusterConfig, host: HostFacts, name: str) -> str:
    """The one on the host, else a fresh one. Raises HostError where the file holds another text.

    Read by a program of ours: what a login shell prints besides would else be taken for the secret.
    """
    path = secret_path(config, host, name)
    answer = call(transport, host.node, GET, {"path": path})
    text = (answer.get("text") or "").strip()
    if text and not SECRET.fullmatch(text):
        hint = f"remove it, a new one is made: {transport.paste(host.node, f'rm {path}')}"
        raise HostError(host.node.name, f"{path} does not hold one of our secrets", hint)
    return text or secrets.token_urlsafe(32)
