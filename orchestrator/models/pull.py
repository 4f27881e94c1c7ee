"""The verb `models pull`: a model's files from the hub into the cache, at the locked commit."""

from dataclasses import dataclass

from cluster.checks.shared_cache import sharers
from cluster.errors import Problem, UsageError
from cluster.execution.lock import cluster_lock
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts, HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.inventory.problems import node_named
from cluster.reporter import Reporter
from cluster.transport.protocol import Transport
from orchestrator.models.cache import how_to_get
from orchestrator.models.download import download
from orchestrator.models.hub.ask import the_hub
from orchestrator.models.lock import lock_model
from orchestrator.models.lockfile import LockedModel, lock_path, read_lock
from orchestrator.models.name import Folder, name_of
from orchestrator.recipes.recipe import Recipe


@dataclass(frozen=True)
class PullReport:
    """What was downloaded, and who has it now; sizes in bytes."""

    recipe: str
    model: str
    commit: str
    host: str
    path: str
    files: int
    total_bytes: int
    downloaded_files: int
    downloaded_bytes: int
    shared_with: tuple[str, ...]
    without: tuple[str, ...]
    seconds: float


def pull(
    transport: Transport,
    config: ClusterConfig,
    recipe: Recipe,
    host: str | None,
    reporter: Reporter,
) -> PullReport:
    """Download what is missing on one host, the head unless another is named.

    Raises UsageError for a model that no hub knows, HostError with what the host met.
    """
    node = config.head if host is None else node_named(config.node, host)
    if not name_of(recipe).on_hub:
        raise UsageError(nothing_to_pull(recipe))
    entry = locked_entry(transport, config, recipe, reporter)
    facts = gather_facts(transport, config)
    here = reachable_host(facts, node)
    with cluster_lock(transport, config, entry.model) as lock:
        lock.audit(f"models pull {recipe.name}: {entry.model}@{entry.commit} to {node.name}")
        end = download(transport, here, entry, the_hub(), reporter)
    others = [each for each in facts.hosts if each.node != node and usable(each)]
    shared = [each.node.name for each in sharers(transport, here, others)]
    return PullReport(
        recipe=recipe.name,
        model=entry.model,
        commit=entry.commit,
        host=node.name,
        path=end.path.rstrip("/"),
        files=len(entry.files),
        total_bytes=entry.total_bytes,
        downloaded_files=end.files,
        downloaded_bytes=end.bytes,
        shared_with=tuple(shared),
        without=tuple(e.name for e in config.node if e.name not in (node.name, *shared)),
        seconds=end.seconds,
    )


def nothing_to_pull(recipe: Recipe) -> Problem:
    what, hint = "is made on the hosts", f"orchestrate serve {recipe.option}"
    if isinstance(name_of(recipe), Folder):
        what = "is a folder on the hosts"
        hint = how_to_get(recipe)
    return Problem(f"there is nothing to download: {recipe.model} {what}", recipe.name, hint)


def locked_entry(
    transport: Transport, config: ClusterConfig, recipe: Recipe, reporter: Reporter
) -> LockedModel:
    """What models.lock says; locked first where it says nothing."""
    path = lock_path(config)
    entry = read_lock(path).find(recipe)
    if entry is None:
        reporter.tell(f"{path} does not have {recipe.model} yet: locking it first")
        lock_model(transport, config, recipe, reporter)
        entry = read_lock(path).find(recipe)
    assert entry is not None
    return entry


def reachable_host(facts: Facts, node: Node) -> HostFacts:
    """The host's facts. Raises why it cannot be reached."""
    for lost in facts.unreached:
        if lost.node == node:
            raise lost.error
    return next(each for each in facts.hosts if each.node == node)


def usable(host: HostFacts) -> bool:
    """A cache that hangs or is not there is not shared."""
    return host.cache.exists and not host.cache.hangs
