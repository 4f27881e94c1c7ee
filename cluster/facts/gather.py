"""Asks all hosts for their facts at once, one round trip each."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from cluster.errors import OrchestrateError
from cluster.facts.hosts import HEAD, Facts, HostFacts, Unreached
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.transport.answers import OBJECT, shaped
from cluster.transport.call import HostProgram, call
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport

PROBE_LIMIT_S = 20.0
FACTS = TypeAdapter(HostFacts)


def gather_facts(
    transport: Transport,
    config: ClusterConfig,
    *,
    ports: Sequence[int] = (),
    survey: bool = False,
    names: Sequence[str] | None = None,
) -> Facts:
    """Probe all hosts at once, one round trip each; never raises for a host.

    `survey` asks what only checks need; with `names`, even none, each host looks these and its own
    name up.
    """
    more = {"worker_ports": config.ray.worker_port_range, "names": names} if survey else {}
    outcomes = gather(config.node, lambda node: probe(transport, config, node, ports, more))
    return Facts(
        hosts=tuple(found for _, found in outcomes if isinstance(found, HostFacts)),
        unreached=tuple(
            Unreached(node, found)
            for node, found in outcomes
            if isinstance(found, OrchestrateError)
        ),
    )


def probe(
    transport: Transport,
    config: ClusterConfig,
    node: Node,
    ports: Sequence[int],
    more: Mapping[str, Any],
) -> HostFacts:
    ray_ports = [config.ray.port, config.ray.dashboard_port] if node.is_head else []
    request = {
        "cluster": config.name,
        "node": node.name,
        "venv": node.venv,
        "cache": node.cache,
        "ports": [*ray_ports, *ports],
        "head_service": HEAD if node.is_head else "",
        "dashboard_port": config.ray.dashboard_port,
        "gcs": f"{node.fast}:{config.ray.port}",
        **more,
    }
    name = "cluster.host.survey" if more else "cluster.host.probe"
    asked = time.time()
    answer = call(transport, node, HostProgram(name, OBJECT), request, timeout_s=PROBE_LIMIT_S)
    whole = {**answer, "node": node, "asked": asked, "answered": time.time()}
    return shaped(node, name, FACTS, whole)
