"""The token that Ray asks everybody for: who has it may run code, so it is never shown; pure."""

from cluster.execution.kept_secret import secret_path
from cluster.execution.plan import Put
from cluster.facts.hosts import RAY_SERVICES, HostFacts
from cluster.host.ray_token import TOKEN_NAME, variables
from cluster.inventory.config import ClusterConfig


def token_environment(config: ClusterConfig, host: HostFacts) -> dict[str, str]:
    return variables(token_path(config, host))


def token_path(config: ClusterConfig, host: HostFacts) -> str:
    return secret_path(config, host, TOKEN_NAME)


def token_step(config: ClusterConfig, host: HostFacts, token: str) -> Put:
    return Put(host.node, token_path(config, host), token, 0o600)


def asks_for_token(host: HostFacts) -> bool:
    """Whether the Ray of this host does so; one that an older orchestrate started does not."""
    found = [each for each in host.services if each.name in RAY_SERVICES and each.alive]
    return any(each.env.get("RAY_AUTH_MODE") == "token" for each in found)
