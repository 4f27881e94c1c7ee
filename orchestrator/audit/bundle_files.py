"""Facts -> the files of a bundle, and which facts could not be got; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.errors import OrchestrateError
from cluster.facts.hosts import Facts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.transport.command import is_secret
from orchestrator.api.target import Home
from orchestrator.audit.schema import (
    AUDIT,
    LOCK,
    MANIFEST,
    NODES,
    RECIPE,
    SERVER,
    Audit,
    Entry,
    Inventory,
    InventoryNode,
    MadeOf,
    Missing,
)
from orchestrator.cli.render import plain
from orchestrator.models.lockfile import LockedModel, ModelsLock
from orchestrator.records.provenance import MASK, Provenance
from orchestrator.serving.made_of import RECIPE as MADE_OF

PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+@")  # of a user in an address
PACKAGES = ("vllm", "torch", "python")  # those that every server has


@dataclass(frozen=True)
class Known:
    """All that a bundle is made of. `home` and `config` are None for an address alone."""

    server: Provenance
    created: datetime
    by: str
    home: Home | None = None
    config: ClusterConfig | None = None
    locked: LockedModel | None = None
    manifest: bytes | None = None
    others: Mapping[str, bytes] = field(default_factory=dict)  # samples and what was added

    @property
    def made_of(self) -> MadeOf | None:
        found = self.home.service.about.get(MADE_OF) if self.home else None
        return MadeOf.model_validate(found) if found else None


def files_of(known: Known) -> dict[str, bytes]:
    """Every file but the list; the same for the same facts."""
    found = {
        AUDIT: as_json(audit_of(known)),
        SERVER: as_json(unaddressed(known.server)),
        **known.others,
    }
    if known.home and known.config:
        found[NODES] = as_json(inventory_of(known.config, known.home))
    if known.made_of:
        found[RECIPE] = as_json(known.made_of)
    if known.locked:
        found[LOCK] = as_json(ModelsLock(models=(known.locked,)))
    if known.manifest:
        found[MANIFEST] = known.manifest
    return found


def as_json(value: Any) -> bytes:
    """Sorted keys: the order in which facts came does not show."""
    as_plain = value.model_dump(mode="json") if isinstance(value, Entry | ModelsLock) else value
    return (json.dumps(as_plain, sort_keys=True, indent=1, default=plain) + "\n").encode()


def unaddressed(server: Provenance) -> Any:
    """The server without passwords in addresses, such as a proxy's."""
    text = json.dumps(server, default=plain)
    return json.loads(PASSWORD.sub(rf"\1{MASK}@", text))


def audit_of(known: Known) -> Audit:
    age_s = known.home.service.age_s if known.home else None
    since = known.created - timedelta(seconds=age_s) if age_s is not None else None
    return Audit(
        created=as_text(known.created),
        by=known.by,
        serving_since=as_text(since) if since else "",
        missing=tuple(missing(known)),
    )


def as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def inventory_of(config: ClusterConfig, home: Home) -> Inventory:
    serving = home.service.about.get("gpus") or {home.host.node.name: 0}
    return Inventory(
        cluster=config.name,
        nodes=tuple(node_of(node, node.name in serving, home.facts) for node in config.node),
    )


def node_of(node: Node, serves: bool, facts: Facts) -> InventoryNode:
    lost = {each.node.name: each.error for each in facts.unreached}
    problem = first_line(lost[node.name]) if node.name in lost else ""
    return InventoryNode(
        name=node.name,
        role=node.role,
        address=node.address,
        fast_address=node.fast,
        gpus=node.gpus,
        venv=node.venv,
        cache=node.cache,
        env={key: MASK if is_secret(key) else value for key, value in node.env.items()},
        serves=serves,
        problem=problem,
    )


def first_line(error: OrchestrateError) -> str:
    return error.problems[0].what.splitlines()[0]


def missing(known: Known) -> Iterator[Missing]:
    """What this bundle does not say, so that nobody takes silence for sameness."""
    if known.manifest is None:
        yield Missing(what="manifest", why="left out on demand: nothing proves the weights")
    if known.locked is None:
        yield Missing(what="lock", why="models.lock has no entry for the commit that is served")
    if known.home is None:
        for what in ("recipe", "nodes", "arguments", "environment", "driver", "kernel", "GPUs"):
            yield Missing(what=what, why="the server was given by address: it does not say")
    elif known.made_of is None:
        why = "an earlier version launched the model and did not write it down"
        yield Missing(what="recipe", why=why)
    yield from missing_of_hosts(known)
    hidden = sorted(key for key, value in known.server.environment.items() if value == MASK)
    if hidden:
        yield Missing(what=f"values of {', '.join(hidden)}", why="they are secret")
    if not any(name.startswith("samples/") for name in known.others):
        yield Missing(what="samples", why="none was given with --samples")


def missing_of_hosts(known: Known) -> Iterator[Missing]:
    server = known.server
    if not server.hosts:
        lacking = [name for name in PACKAGES if name not in server.versions]
        if lacking:
            yield Missing(what=f"versions of {', '.join(lacking)}", why="the server does not say")
    for lost in known.home.facts.unreached if known.home else ():
        yield Missing(what=f"host {lost.node.name}", why=first_line(lost.error))
    facts = known.home.facts.hosts if known.home else ()
    problems = {host.node.name: host.driver_problem for host in facts}
    for host in server.hosts:
        lacking = [name for name in PACKAGES if name not in host.versions]
        if lacking:
            why = "not in its virtual environment"
            yield Missing(what=f"versions of {', '.join(lacking)} on {host.name}", why=why)
        if not host.gpus:
            why = problems.get(host.name) or "it has none"
            yield Missing(what=f"GPUs and driver of {host.name}", why=why)
        if not host.kernel:
            yield Missing(what=f"kernel of {host.name}", why="it does not say")
