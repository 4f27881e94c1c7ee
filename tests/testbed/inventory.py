"""nodes.toml for a testbed; what a test wants otherwise, it passes in."""

from collections.abc import Mapping
from pathlib import Path

from tests.testbed.host import Host
from tests.testbed.testbed import Testbed

VENV = Path(__file__).resolve().parents[2] / ".venv"


def inventory(
    testbed: Testbed,
    *,
    cluster: Mapping[str, str] = {},
    tables: str = "",
    nodes: Mapping[str, Mapping[str, str | int]] = {},
) -> str:
    """TOML text: h1 is the head, every host has one accelerator, the share is the model cache.

    `cluster` replaces keys of [cluster]; `tables` is TOML to add; `nodes` adds or replaces keys of
    one host's table.
    """
    shared = {
        "name": "lab",
        "fast_network": "10.77.128.0/24",
        "venv": str(VENV),
        "cache": str(testbed.share),
        **cluster,
    }
    parts = [table("[cluster]", shared), tables or table("[ssh]", {"user": "root"})]
    parts += [table("[[node]]", node(host, nodes.get(host.name, {}))) for host in testbed.hosts]
    return "\n".join(parts)


def node(host: Host, changed: Mapping[str, str | int]) -> dict[str, str | int]:
    keys: dict[str, str | int] = {
        "name": host.name,
        "role": "head" if host.number == 1 else "worker",
        "address": host.management,
        "fast_address": host.fast,
        "gpus": 1,
        # all hosts share this machine's few cores
        "env.OMP_NUM_THREADS": "1",
    }
    return {**keys, **changed}


def table(title: str, keys: Mapping[str, str | int]) -> str:
    lines = [f'{key} = "{v}"' if isinstance(v, str) else f"{key} = {v}" for key, v in keys.items()]
    return "\n".join([title, *lines, ""])
