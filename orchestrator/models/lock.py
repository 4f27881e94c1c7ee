"""The verb `models lock`: write down which commit a recipe's revision is, and each file's hash."""

import time
from contextlib import closing
from dataclasses import dataclass, replace

from cluster.errors import HostError
from cluster.facts.gather import probe
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.runtimes import runtime_of
from cluster.transport.protocol import Transport
from orchestrator.host.hash_files import NOT_A_FILE
from orchestrator.models.cache import ModelFiles, find_model, require_complete
from orchestrator.models.hub.ask import ask_hub, now, the_hub
from orchestrator.models.lockfile import LockedFile, LockedModel, lock_path, read_lock, write_lock
from orchestrator.models.name import name_of
from orchestrator.models.verify.hashing import Progress, hash_program, read_contents
from orchestrator.recipes.recipe import Recipe

HASH_LIMIT_S = 300.0


@dataclass(frozen=True)
class LockReport:
    """What the lock says now, and how it differs from what it said; sizes in bytes."""

    recipe: str
    model: str
    revision: str
    commit: str
    former_commit: str
    files: int
    total_bytes: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    is_new: bool
    written: bool
    lock_file: str

    @property
    def differs(self) -> bool:
        files = self.added or self.removed or self.changed
        return bool(self.is_new or files or self.commit != self.former_commit)


def lock_model(
    transport: Transport,
    config: ClusterConfig,
    recipe: Recipe,
    reporter: Reporter,
    *,
    check: bool = False,
) -> LockReport:
    """Ask the hub, or a host for a model that no hub knows. With `check` nothing is written."""
    path = lock_path(config)
    lock = read_lock(path)
    former = lock.find(recipe)
    if name_of(recipe).on_hub:
        hub = the_hub()
        reporter.tell(f"asking {hub.endpoint} for {recipe.model} at {recipe.revision}")
        found = ask_hub(hub, recipe.model, recipe.revision, reporter)
    else:
        found = lock_from_head(transport, config, recipe, reporter)
    report = lock_report(recipe, former, found, str(path))
    if report.differs and not check:
        write_lock(path, lock.with_model(found))
        report = replace(report, written=True)
    return report


def lock_from_head(
    transport: Transport, config: ClusterConfig, recipe: Recipe, reporter: Reporter
) -> LockedModel:
    """A folder that no hub knows, as it is on the head; one that is made, is made first."""
    host = probe(transport, config, config.head, (), {})
    (found,) = find_model(transport, recipe, [host], reporter, make_with=runtime_of(config))
    require_complete(recipe, [found])
    reporter.tell(f"hashing {found.path} on {host.node.name}")
    return LockedModel(
        model=recipe.model,
        revision=recipe.revision,
        commit="",
        locked=now(),
        files=tuple(LockedFile(path=p, size=s, hash=h) for p, s, h in hash_files(transport, found)),
    )


def hash_files(transport: Transport, found: ModelFiles) -> list[tuple[str, int, str]]:
    """Path, size and hash of every file. Raises HostError for one that cannot be read."""
    node = found.host.node
    hint = "does the disk or the network mount answer, and may the SSH user read every file?"
    until = time.monotonic() + HASH_LIMIT_S

    def in_time(_: Progress) -> None:
        if time.monotonic() > until:
            what = f"{found.path} could not be hashed within {HASH_LIMIT_S:g} s"
            raise HostError(node.name, what, hint)

    with closing(transport.session(node, hash_program(found.path, None))) as session:
        contents = read_contents(node, session, in_time)
    sizes = {file.path: file.size for file in contents.found}
    unread = {file.path: file.problem for file in contents.found if file.problem != NOT_A_FILE}
    unread.update((path, each.problem) for path, each in contents.hashes.items())
    wrong = [f"{path}: {problem}" for path, problem in unread.items() if problem]
    if wrong:
        raise HostError(node.name, f"{found.path} cannot be read", hint, log="\n".join(wrong))
    return [(p, sizes[p], f"sha256:{each.sha256}") for p, each in sorted(contents.hashes.items())]


def lock_report(
    recipe: Recipe, former: LockedModel | None, found: LockedModel, lock_file: str
) -> LockReport:
    """What the new lock entry says, compared with the former one; pure."""
    old = {file.path: file.hash for file in former.files} if former else {}
    new = {file.path: file.hash for file in found.files}
    return LockReport(
        recipe=recipe.name,
        model=found.model,
        revision=found.revision,
        commit=found.commit,
        former_commit=former.commit if former else "",
        files=len(new),
        total_bytes=found.total_bytes,
        added=tuple(sorted(new.keys() - old.keys())) if former else (),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        is_new=former is None,
        written=False,
        lock_file=lock_file,
    )
