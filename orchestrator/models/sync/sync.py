"""The verb `models sync`: a model from one host to all others at once, along a chain of hosts."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cluster.checks.shared_cache import ask_cache
from cluster.errors import HostsError, OrchestrateError, PreflightError, Problem
from cluster.execution.lock import cluster_lock
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.transport.call import HostProgram
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from cluster.units import GB
from orchestrator.host.safe_names import is_commit
from orchestrator.models.cache import ModelFiles, files_on
from orchestrator.models.lockfile import LockedModel, ModelsLock, at_locked_commit
from orchestrator.models.name import name_of
from orchestrator.models.sync.chain import Chain
from orchestrator.models.sync.copying import Copy
from orchestrator.models.sync.events import Count
from orchestrator.models.sync.plan import (
    Content,
    Listed,
    choose_source,
    contents_of,
    in_chain_order,
    verified_against,
)
from orchestrator.recipes.recipe import Recipe


@dataclass(frozen=True)
class Snapshot:
    """The files of a snapshot, and the commits of the refs that were asked for."""

    files: tuple[Listed, ...]
    refs: Mapping[str, str]


SNAPSHOT = HostProgram("orchestrator.host.snapshot", TypeAdapter(Snapshot))


@dataclass(frozen=True)
class HostCopy:
    """What became of one host: bytes, seconds, and bytes a second of what it received."""

    host: str
    state: str  # source, complete, was complete, shared, failed
    received: int = 0
    sent: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class SyncReport:
    """A copy that has ended. `bytes` is the model's size; `verified` says against what."""

    model: str
    commit: str
    source: str
    bytes: int
    verified: str
    hosts: tuple[HostCopy, ...]
    seconds: float

    @property
    def whole(self) -> bool:
        return all(host.state != "failed" for host in self.hosts)


def sync(
    transport: Transport,
    config: ClusterConfig,
    recipe: Recipe,
    lock: ModelsLock,
    wanted_source: str | None,
    reporter: Reporter,
) -> SyncReport:
    """Copy, verify, put in place; a host that fails is named in the report and stops no other.

    Raises PreflightError when no host has the model,
    OrchestrateError when the source's files are damaged.
    """
    begun = time.monotonic()
    with cluster_lock(transport, config, recipe.model) as held:
        copy = prepare_copy(transport, config, recipe, lock, wanted_source, reporter)
        name = copy.hosts[0].node.name
        order = in_chain_order([node.name for node in config.node], name)
        held.audit(f"models sync {recipe.name} from {name} to {', '.join(order)}")
        chain = copy.run()
    require_sound(chain)
    return SyncReport(
        model=recipe.model,
        commit=copy.request["commit"],
        source=name,
        bytes=sum(content.size for content in copy.contents),
        verified=verified_against(lock.find(recipe), copy.contents, name),
        hosts=tuple(outcome_of(each, copy, chain) for each in [name, *order]),
        seconds=time.monotonic() - begun,
    )


def prepare_copy(
    transport: Transport,
    config: ClusterConfig,
    recipe: Recipe,
    lock: ModelsLock,
    wanted_source: str | None,
    reporter: Reporter,
) -> Copy:
    """Who has it, who gets it, and which files; nothing is written."""
    entry, exact = lock.find(recipe), at_locked_commit(recipe, lock)
    facts = gather_facts(transport, config)
    failed = {each.node.name: each.error.problems[0].what for each in facts.unreached}
    models = files_by_host(transport, exact, facts.hosts, failed)
    if not models:
        raise HostsError([OrchestrateError(Problem(w, n)) for n, w in failed.items()])
    source = choose_source(recipe, models, entry, wanted_source)
    name = source.host.node.name
    contents, request = what_to_copy(transport, recipe, source, entry)
    order = in_chain_order([node.name for node in config.node], name)
    by_name = {model.host.node.name: model.host for model in models}
    hosts = [source.host, *(by_name[each] for each in order if each in by_name)]
    reporter.tell(f"{recipe.model}: {gigabytes(contents)} from {name} to {len(hosts) - 1} hosts")
    return Copy(transport, request, contents, hosts, reporter, failed)


def require_sound(chain: Chain) -> None:
    """Raises OrchestrateError that names every damaged file of the source."""
    if chain.damaged:
        hint = "mend it there, or choose another host with --from HOST"
        raise OrchestrateError(*(Problem(what, chain.source, hint) for what in chain.damaged))


def files_by_host(
    transport: Transport, recipe: Recipe, hosts: Sequence[HostFacts], failed: dict[str, str]
) -> list[ModelFiles]:
    """The model as each host sees it; a host whose cache cannot be read goes to `failed`."""
    found: list[ModelFiles] = []
    for host, outcome in gather(hosts, lambda host: files_on(transport, recipe, [host])[0]):
        if isinstance(outcome, OrchestrateError):
            failed[host.node.name] = outcome.problems[0].what
        else:
            found.append(outcome)
    return found


def what_to_copy(
    transport: Transport, recipe: Recipe, source: ModelFiles, entry: LockedModel | None
) -> tuple[list[Content], dict[str, Any]]:
    """The files of the source, and where they belong on any host."""
    asked = {"path": source.path, "refs": [recipe.revision]}
    found = ask_cache(transport, source.host, SNAPSHOT, asked)
    name = name_of(recipe)
    commit = commit_in(source, entry) if name.on_hub else ""
    known = found.refs.get(recipe.revision) == commit
    request = {
        "folder": name.folder,
        "on_hub": name.on_hub,
        "commit": commit,
        "refs": {recipe.revision: commit} if name.on_hub and known else {},
        "run": secrets.token_hex(8),
    }
    return contents_of(found.files, entry), request


def commit_in(source: ModelFiles, entry: LockedModel | None) -> str:
    """The commit whose snapshot the source shows: the lock's, where there is one.

    What a host says becomes a path on the others, so it must be a commit and nothing else.
    Raises PreflightError.
    """
    commit = source.path.rsplit("/", 1)[-1]
    wanted = entry.commit if entry else commit
    if not is_commit(commit) or commit != wanted:
        what = f"its snapshot is called {commit[:80]!r}"
        hint = f"models.lock has {wanted}" if entry else "that is no commit of the hub"
        raise PreflightError(Problem(what, source.host.node.name, hint))
    return commit


def gigabytes(contents: Sequence[Content]) -> str:
    return f"{sum(content.size for content in contents) / GB:.2f} GB"


def outcome_of(name: str, copy: Copy, chain: Chain) -> HostCopy:
    failures: Mapping[str, str] = {**copy.failed, **chain.failed}
    peer = copy.peers.get(name)
    said = peer.counters if peer else Count()
    received, sent = said.got, said.sent
    if name in failures:
        return HostCopy(name, "failed", received, sent, detail=failures[name])
    if name in copy.shared:
        return HostCopy(name, "shared", detail=f"shares the folder of {copy.shared[name]}")
    if name == chain.source:
        return HostCopy(name, "source", 0, sent)
    assert peer
    if not chain.receivers[name].missing:
        return HostCopy(name, "was complete", received, sent)
    rate = received / peer.done_s if peer.done_s else 0.0
    return HostCopy(name, "complete", received, sent, peer.done_s, rate)
