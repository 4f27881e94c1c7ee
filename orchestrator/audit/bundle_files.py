"""Facts -> the files of a bundle, and which facts are missing; pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.errors import OrchestrateError
from cluster.facts.hosts import Facts
from cluster.host.masking import MASK, env_shown, without_userinfo_in
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from orchestrator.api.target import Home
from orchestrator.audit.schema import (
    AUDIT,
    LOCK,
    MANIFEST,
    NODES,
    RECIPE_JSON,
    SERVER,
    Audit,
    BundleModel,
    Inventory,
    InventoryNode,
    MissingFact,
    RecipeRecord,
)
from orchestrator.cli.render import to_jsonable
from orchestrator.models.lockfile import LockedModel, ModelsLock
from orchestrator.records.provenance import Provenance
from orchestrator.serving.made_of import layer_shown

CORE_PACKAGES = ("vllm", "torch", "python")  # every server has them


@dataclass(frozen=True)
class BundleInputs:
    """All that a bundle is made of. `home` and `config` are None for a bare address."""

    server: Provenance
    created: datetime
    by: str
    home: Home | None = None
    config: ClusterConfig | None = None
    locked: LockedModel | None = None
    manifest: bytes | None = None
    others: Mapping[str, bytes] = field(default_factory=dict)  # samples and added files

    @property
    def made_of(self) -> RecipeRecord | None:
        found = self.home.endpoint.made_of if self.home else None
        return masked_record(RecipeRecord.model_validate(found)) if found else None


def masked_record(made: RecipeRecord) -> RecipeRecord:
    """What an earlier version wrote down on the host masks less than this one."""
    layers = tuple(layer_shown(each) for each in made.layers)
    return made.model_copy(update={"recipe": layer_shown(made.recipe), "layers": layers})


def bundle_files(inputs: BundleInputs) -> dict[str, bytes]:
    """Every file except SHA256SUMS; equal for equal facts."""
    found = {
        AUDIT: json_bytes(audit_record(inputs)),
        SERVER: json_bytes(without_passwords(inputs.server)),
        **inputs.others,
    }
    if inputs.home and inputs.config:
        found[NODES] = json_bytes(inventory_record(inputs.config, inputs.home))
    if inputs.made_of:
        found[RECIPE_JSON] = json_bytes(inputs.made_of)
    if inputs.locked:
        found[LOCK] = json_bytes(ModelsLock(models=(inputs.locked,)))
    if inputs.manifest:
        found[MANIFEST] = inputs.manifest
    return found


def json_bytes(value: Any) -> bytes:
    """Keys are sorted, so that the order of the facts does not matter."""
    as_plain = (
        value.model_dump(mode="json") if isinstance(value, BundleModel | ModelsLock) else value
    )
    return (json.dumps(as_plain, sort_keys=True, indent=1, default=to_jsonable) + "\n").encode()


def without_passwords(server: Provenance) -> Any:
    """The server without passwords in addresses, such as a proxy's."""
    return without_userinfo_in(json.loads(json.dumps(server, default=to_jsonable)))


def audit_record(inputs: BundleInputs) -> Audit:
    age_s = inputs.home.service.age_s if inputs.home else None
    since = inputs.created - timedelta(seconds=age_s) if age_s is not None else None
    return Audit(
        created=time_text(inputs.created),
        by=inputs.by,
        serving_since=time_text(since) if since else "",
        missing=tuple(missing_facts(inputs)),
    )


def time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def inventory_record(config: ClusterConfig, home: Home) -> Inventory:
    serving = home.endpoint.gpus or {home.host.node.name: 0}
    return Inventory(
        cluster=config.name,
        nodes=tuple(node_record(node, node.name in serving, home.facts) for node in config.node),
    )


def node_record(node: Node, serves: bool, facts: Facts) -> InventoryNode:
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
        env=env_shown(node.env),
        serves=serves,
        problem=problem,
    )


def first_line(error: OrchestrateError) -> str:
    return error.problems[0].what.splitlines()[0]


def missing_facts(inputs: BundleInputs) -> Iterator[MissingFact]:
    """Facts that this bundle lacks, so that nobody mistakes a gap for agreement."""
    if inputs.manifest is None:
        yield MissingFact(what="manifest", why="left out on request: nothing proves the weights")
    if inputs.locked is None:
        yield MissingFact(what="lock", why="models.lock has no entry for the commit that is served")
    if inputs.home is None:
        for what in ("recipe", "nodes", "arguments", "environment", "driver", "kernel", "GPUs"):
            yield MissingFact(what=what, why="a server by address does not report it")
    elif inputs.made_of is None:
        why = "an earlier version launched the model and did not record it"
        yield MissingFact(what="recipe", why=why)
    yield from missing_of_hosts(inputs)
    hidden = sorted(key for key, value in inputs.server.environment.items() if value == MASK)
    if hidden:
        yield MissingFact(what=f"values of {', '.join(hidden)}", why="they are secret")
    if not any(name.startswith("samples/") for name in inputs.others):
        yield MissingFact(what="samples", why="none was given with --samples")


def missing_of_hosts(inputs: BundleInputs) -> Iterator[MissingFact]:
    server = inputs.server
    if not server.hosts:
        lacking = [name for name in CORE_PACKAGES if name not in server.versions]
        if lacking:
            yield MissingFact(
                what=f"versions of {', '.join(lacking)}", why="the server does not report it"
            )
    for lost in inputs.home.facts.unreached if inputs.home else ():
        yield MissingFact(what=f"host {lost.node.name}", why=first_line(lost.error))
    facts = inputs.home.facts.hosts if inputs.home else ()
    problems = {host.node.name: host.driver_problem for host in facts}
    for host in server.hosts:
        lacking = [name for name in CORE_PACKAGES if name not in host.versions]
        if lacking:
            why = "not in its virtual environment"
            yield MissingFact(what=f"versions of {', '.join(lacking)} on {host.name}", why=why)
        if not host.gpus:
            why = problems.get(host.name) or "it has none"
            yield MissingFact(what=f"GPUs and driver of {host.name}", why=why)
        if not host.kernel:
            yield MissingFact(what=f"kernel of {host.name}", why="the host does not report it")
