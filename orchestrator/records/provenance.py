"""What an answer came from: versions, arguments, environment, hosts. One request, to /version."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import Field

from cluster.facts.hosts import HostFacts
from cluster.host.masking import argv_shown, env_shown
from orchestrator import VERSION
from orchestrator.api.pages import page_of_json
from orchestrator.api.target import Home, Target
from orchestrator.models.revision import commit_of

Count = Annotated[int, Field(ge=0, lt=1 << 63)]  # checked where a file is read


@dataclass(frozen=True)
class Machine:
    """A host that serves the model; memory in bytes."""

    name: str
    address: str
    machine: str
    cores: Count
    memory_total: Count
    gpus: tuple[str, ...]
    driver: str
    versions: Mapping[str, str]
    kernel: str = ""


@dataclass(frozen=True)
class Provenance:
    """All that is known of a server; of a bare address, only what the server itself reports."""

    url: str
    served_name: str
    orchestrate: str
    python: str
    versions: Mapping[str, str]
    recipe: str = ""
    model: str = ""
    revision: str = ""
    commit: str = ""
    cluster: str = ""
    service: str = ""
    split: str = ""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[Machine, ...] = ()


def provenance(target: Target) -> Provenance:
    """Never raises, not even for a server that does not report its version."""
    if target.home is None:
        versions = server_version(target)
        return Provenance(target.shown, target.model, VERSION, platform.python_version(), versions)
    service, endpoint = target.home.service, target.home.endpoint
    return Provenance(
        url=target.shown,
        served_name=target.model,
        orchestrate=VERSION,
        python=platform.python_version(),
        versions=target.home.host.versions,
        recipe=endpoint.recipe,
        model=endpoint.model,
        revision=endpoint.revision,
        commit=next(filter(None, map(commit_of, service.words)), ""),
        cluster=target.home.config.name,
        service=service.name,
        split=endpoint.split,
        arguments=argv_shown(service.words),
        environment=env_shown(service.env),
        hosts=tuple(machine_record(host) for host in serving_hosts(target.home)),
    )


def server_version(target: Target) -> Mapping[str, str]:
    """What /version reports; it is a page of vLLM, so that other servers may have none."""
    try:
        with target.http() as http:
            return {"vllm": str(page_of_json(http, "/version")["version"])}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return {}


def serving_hosts(home: Home) -> Sequence[HostFacts]:
    """The hosts that the model is split over."""
    names = home.endpoint.gpus or {home.host.node.name: 0}
    return [host for host in home.facts.hosts if host.node.name in names]


def machine_record(host: HostFacts) -> Machine:
    return Machine(
        name=host.node.name,
        address=host.node.fast,
        machine=host.machine,
        cores=host.cores,
        memory_total=host.memory.total,
        gpus=tuple(gpu.name for gpu in host.gpus),
        driver=host.gpus[0].driver if host.gpus else "",
        versions=host.versions,
        kernel=host.kernel,
    )
