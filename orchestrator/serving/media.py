"""The media server: a service beside vLLM, which then fetches files from its own loopback alone;
pure but for the question whether it answers.
"""

from collections.abc import Iterator
from dataclasses import replace

from cluster.checks.ports import port_finding
from cluster.errors import HostError
from cluster.facts.hosts import HostFacts
from cluster.finding import Finding
from cluster.host.masking import argv_shown
from cluster.inventory.config import ClusterConfig
from cluster.ray.plan import service_folder
from cluster.runtimes import runtime_of, started_in
from cluster.runtimes.log import Ended, log_events, open_log
from cluster.runtimes.service import Needs, Service
from cluster.transport.command import Command
from cluster.transport.program import source_of
from cluster.transport.protocol import Transport
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.endpoint import Endpoint, endpoint_of, require_endpoint

MEDIA = "media"
ADDRESS = "127.0.0.1"
SCRIPT = "media_server.py"
START_LIMIT_S = 20.0
LOG_LINES = 20
LISTENS = "serving "  # how the line begins that it prints once it listens


def media_service(config: ClusterConfig, recipe: Recipe, host: HostFacts) -> Service | None:
    """On vLLM's own host, whose loopback it shares."""
    if recipe.media is None:
        return None
    folder = recipe.media.folder.replace("~", host.home, 1)
    script = f"{service_folder(config, host, MEDIA)}/{SCRIPT}"
    runtime = runtime_of(config)
    argv = (runtime.executable(host, "python"), script, str(recipe.media.port), folder)
    service = Service(
        cluster=config.name,
        name=MEDIA,
        node=host.node,
        command=Command(argv, {"PYTHONUNBUFFERED": "1"}),
        files={SCRIPT: source_of("orchestrator.host.media_server")},
        labels=Endpoint(host=ADDRESS, port=recipe.media.port, folder=folder).labels(),
        needs=Needs(paths=(folder,)),
    )
    return started_in(runtime, service)


def media_findings(
    config: ClusterConfig, host: HostFacts, service: Service | None
) -> Iterator[Finding]:
    """Whether its port is free; one that serves another folder is not replaced in silence."""
    if service is None:
        return
    existing = host.service(MEDIA)
    if existing is None or not existing.alive:
        found = port_finding(config.name, host, require_endpoint(service).port, "media.port")
        hint = "choose another `port` in [media] of the recipe"
        yield replace(found, hint=hint) if found.state == "failure" else found
    elif tuple(existing.words) != argv_shown(service.command.argv):
        other = endpoint_of(existing)
        shown = f"{other.folder} at port {other.port}" if other else "another folder"
        what = f"the media server runs already, for {shown}"
        yield Finding("arguments", host.node.name, "failure", what, "orchestrate teardown first")


def await_media(transport: Transport, service: Service) -> None:
    """Until its log says that it listens. Raises HostError with the log's last line if it ended."""
    node, said = service.node, "its log is empty"
    session = open_log(transport, node, service.mark, LOG_LINES)
    hint = f"orchestrate logs {MEDIA}"
    try:
        for event in log_events(session, START_LIMIT_S):
            if isinstance(event, Ended):
                what = f"the media server {event.exit.reason}: {said}"
                raise HostError(node.name, what, hint)
            if event.line.startswith(LISTENS):
                return
            said = event.line
    except TimeoutError:
        what = f"the media server does not listen within {START_LIMIT_S:g} s"
        raise HostError(node.name, what, hint) from None
    finally:
        session.close()
