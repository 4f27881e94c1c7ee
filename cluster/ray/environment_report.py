"""The variables that Ray, and so vLLM and NCCL, get on each host: what `cluster start` uses."""

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.errors import Problem
from cluster.facts.hosts import Facts, HostFacts
from cluster.host.masking import env_shown, is_secret
from cluster.inventory.config import ClusterConfig
from cluster.ray.plan import ray_environment, temp_folder

CHECK = "orchestrate cluster check"
UNSET = {
    "NCCL_IB_GID_INDEX": "the index of an address drifts after a reboot, and a wrong one hangs "
    "after the weights are loaded; NCCL finds the right one"
}


@dataclass(frozen=True)
class HostEnvironment:
    """`withheld` are the names of secrets that nodes.toml adds; their values are not shown."""

    host: str
    address: str
    interface: str
    env: Mapping[str, str]
    withheld: tuple[str, ...]


@dataclass(frozen=True)
class EnvironmentReport:
    """By host; what is left unset on purpose, and why; hosts of which nothing can be said."""

    cluster: str
    hosts: tuple[HostEnvironment, ...]
    unset: Mapping[str, str]
    problems: tuple[Problem, ...]


def environment_report(config: ClusterConfig, facts: Facts) -> EnvironmentReport:
    off_link = [
        Problem(f"no interface has the fast address {host.node.fast}", host.node.name, CHECK)
        for host in facts.hosts
        if host.fast_interface is None
    ]
    head = facts.head()
    known = (
        environment_of(config, host, temp_folder(config, head or host)) for host in facts.hosts
    )
    return EnvironmentReport(
        config.name,
        tuple(each for each in known if each.interface),
        UNSET,
        (*facts.lost, *off_link),
    )


def environment_of(config: ClusterConfig, host: HostFacts, folder: str) -> HostEnvironment:
    env = dict(sorted(ray_environment(config, host, secured=True, folder=folder).items()))
    return HostEnvironment(
        host=host.node.name,
        address=host.node.fast,
        interface=host.fast_interface.name if host.fast_interface else "",
        env=env_shown({name: env[name] for name in env if not is_secret(name)}),
        withheld=tuple(name for name in env if is_secret(name)),
    )
