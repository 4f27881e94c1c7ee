"""A server of ours that can be asked: what its service's labels say, typed.

The labels are written down on the host at the launch, so that any controller can read them; one
that is damaged, or of a service that listens nowhere, is no endpoint.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.facts.hosts import Facts, HostFacts, RunningService
from cluster.inventory.config import HOST_PATTERN
from cluster.runtimes.service import Service

EVERYWHERE = "0.0.0.0"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Endpoint(BaseModel):
    """`host` is the address that it listens on; `gpus` counts by host name. A model has a served
    name and a recipe, the media server a folder.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str = Field(pattern=HOST_PATTERN)
    port: int = Field(ge=1, le=65535)
    served_name: str = ""
    recipe: str = ""
    model: str = ""
    revision: str = ""
    commit: str = ""
    split: str = ""
    folder: str = ""
    gpus: Mapping[str, int] = {}
    made_of: Mapping[str, Any] | None = Field(default=None, repr=False)

    @property
    def is_model(self) -> bool:
        return bool(self.served_name)

    @property
    def address(self) -> str:
        """Where to ask it on its own host: all addresses include loopback."""
        return LOOPBACK[0] if self.host == EVERYWHERE else self.host

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}" + ("/v1" if self.is_model else "/")

    def labels(self) -> dict[str, Any]:
        """As a launch writes them down."""
        return self.model_dump(exclude_defaults=True)


def endpoint_of(service: Service | RunningService) -> Endpoint | None:
    """None where it listens nowhere, or its record is damaged."""
    try:
        return Endpoint.model_validate(dict(service.labels))
    except ValidationError:
        return None


def require_endpoint(service: Service) -> Endpoint:
    """Of a service that we have made ourselves, and that listens."""
    return Endpoint.model_validate(dict(service.labels))


def gpus_of(service: RunningService) -> Mapping[str, int]:
    """GPUs by host name that a service has, also one that cannot be asked."""
    gpus = service.labels.get("gpus")
    if not isinstance(gpus, Mapping):
        return {}
    return {str(name): count for name, count in gpus.items() if isinstance(count, int)}


def endpoints(host: HostFacts) -> dict[str, Endpoint]:
    """By service name: what is alive on a host and can be asked."""
    found = {each.name: endpoint_of(each) for each in host.services if each.alive}
    return {name: each for name, each in found.items() if each is not None}


def gpus_in_use(facts: Facts, *, besides: str = "") -> dict[str, int]:
    """GPUs by host name that other models of this cluster have."""
    counted: Counter[str] = Counter()
    for host in facts.hosts:
        for service in host.services:
            if service.alive and service.name != besides:
                counted.update(gpus_of(service))
    return dict(counted)
