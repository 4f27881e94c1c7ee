"""One look at a server of ours: what it answers, over HTTP."""

import httpx

from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.transport.http import http_client
from cluster.transport.protocol import Transport
from orchestrator.serving.api_key import find_key
from orchestrator.serving.endpoint import Endpoint
from orchestrator.serving.health import ask_media, generate_once, problem_of, tokens_flowing
from orchestrator.serving.state import Sighting

GENERATION_LIMIT_S = 10.0


def look(
    transport: Transport, config: ClusterConfig, host: HostFacts, endpoint: Endpoint
) -> Sighting:
    """Ask it for what it is there for. A busy model is asked for nothing."""
    try:
        if not endpoint.is_model:
            return Sighting(True, ask_media(transport, host.node, endpoint.port))
        key = find_key(transport, config, host)
        address, port = endpoint.address, endpoint.port
        with http_client(transport, host.node, address, port, key=key) as http:
            if tokens := tokens_flowing(http):
                return Sighting(True, tokens=tokens)
            served = endpoint.served_name
            answer = generate_once(http, served, tokens=1, timeout_s=GENERATION_LIMIT_S)
            return Sighting(True, answer.seconds)
    except httpx.ConnectError:
        return Sighting(False)
    except httpx.HTTPError as error:
        return Sighting(True, problem=problem_of(error))
