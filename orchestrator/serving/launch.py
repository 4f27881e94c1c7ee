"""What `serve` starts, in which order; pure."""

from cluster.execution.plan import Plan, Put, Stage, Start
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.ray.plan import stop_marks
from cluster.runtimes.service import Service
from orchestrator.serving.api_key import key_step
from orchestrator.serving.endpoint import require_endpoint
from orchestrator.serving.media import MEDIA


def plan_launch(
    config: ClusterConfig,
    host: HostFacts,
    service: Service,
    media: Service | None,
    key: str,
) -> Plan:
    """Empty when all of it runs already."""
    found = {each.name: each for each in host.services}
    alive = {name for name, each in found.items() if each.alive}
    missing = [each for each in (media, service) if each and each.name not in alive]
    if service not in missing:
        title, key = f"serve {service.name}", ""
    else:
        endpoint = require_endpoint(service)
        title = f"serve {endpoint.recipe}: {endpoint.split}"
    clear = tuple(stop_marks(config, host, (each.mark,)) for each in missing if each.name in found)
    keys: tuple[Put, ...] = (key_step(config, host, key),) if key else ()
    return Plan(
        title,
        (
            Stage("clear what is left", clear),
            Stage("write the API key", keys),
            *(Stage(f"start {service_title(each)}", (Start(each),)) for each in missing),
        ),
    )


def service_title(service: Service) -> str:
    return "the media server" if service.name == MEDIA else "vLLM"
