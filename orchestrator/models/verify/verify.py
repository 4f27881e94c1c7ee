"""The verb `models verify`: every file on every host against the lock."""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from cluster.errors import HostError, OrchestrateError, Problem, UsageError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import HostFacts
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.inventory.problems import node_named
from cluster.reporter import Reporter
from cluster.transport.parallel import gather
from cluster.transport.protocol import Session, Transport
from cluster.units import GB
from orchestrator.models.cache import files_on, how_to_get
from orchestrator.models.lockfile import LockedModel, at_locked_commit, lock_path, read_lock
from orchestrator.models.verify.differences import Difference, differences, without_metadata
from orchestrator.models.verify.hashing import Contents, Progress, hash_program, read_contents
from orchestrator.models.verify.progress import ProgressLine
from orchestrator.recipes.recipe import Recipe


@dataclass(frozen=True)
class VerifyRequest:
    """What is verified against what; `quick` reads no content."""

    recipe: Recipe
    locked: LockedModel
    quick: bool = False
    host: str | None = None


@dataclass(frozen=True)
class HostVerify:
    """One host's result; sizes in bytes. `sha256` by path, of every file that was read;
    `size_only` counts the files of which a quick look could compare nothing but the size.
    """

    host: str
    state: Literal["same", "differs", "failed"]
    path: str = ""
    mounted: str = ""
    differences: tuple[Difference, ...] = ()
    problem: str = ""
    read_bytes: int = 0
    seconds: float = 0.0
    cores: int = 0
    size_only: int = 0
    sha256: dict[str, str] = field(default_factory=dict)


Outcome = HostVerify | OrchestrateError


@dataclass(frozen=True)
class VerifyReport:
    recipe: str
    model: str
    commit: str
    files: int
    total_bytes: int
    quick: bool
    hosts: tuple[HostVerify, ...]
    errors: tuple[OrchestrateError, ...]
    seconds: float

    @property
    def same(self) -> bool:
        return all(host.state == "same" for host in self.hosts)


@dataclass(frozen=True)
class HostFolder:
    """Where a host has the model, and the program that looks at it."""

    host: HostFacts
    path: str
    session: Session | OrchestrateError


def verify(
    transport: Transport, config: ClusterConfig, request: VerifyRequest, reporter: Reporter
) -> VerifyReport:
    """Verify all hosts at once; a failure on one is a row of the report, and hides no other.

    One line about all hosts goes to `reporter.progress`, again and again.
    """
    begun = time.monotonic()
    nodes = nodes_to_verify(config, request.host)
    facts = gather_facts(transport, config.model_copy(update={"node": nodes}))
    outcomes: dict[str, Outcome] = {lost.node.name: lost.error for lost in facts.unreached}
    paths = gather(facts.hosts, partial(model_folder, transport, request))
    outcomes.update((host.node.name, e) for host, e in paths if isinstance(e, OrchestrateError))
    places: list[HostFolder] = []
    try:
        for host, path in paths:
            if isinstance(path, str):
                places.append(
                    HostFolder(host, path, open_session(transport, host.node, path, request))
                )
        read = gather(places, partial(verify_host, request, reporter, ProgressLine(reporter)))
        outcomes.update((place.host.node.name, outcome) for place, outcome in read)
    finally:  # after Ctrl-C too: the end of its input ends each program
        for place in places:
            if not isinstance(place.session, OrchestrateError):
                place.session.close()
    found = [(node.name, outcomes[node.name]) for node in nodes]
    return VerifyReport(
        request.recipe.name,
        request.locked.model,
        request.locked.commit,
        len(request.locked.files),
        request.locked.total_bytes,
        request.quick,
        tuple(host_row(name, outcome) for name, outcome in found),
        tuple(each for _, each in found if isinstance(each, OrchestrateError)),
        time.monotonic() - begun,
    )


def host_row(name: str, outcome: Outcome) -> HostVerify:
    if isinstance(outcome, HostVerify):
        return outcome
    what = "; ".join(problem.what.splitlines()[0] for problem in outcome.problems)
    return HostVerify(name, "failed", problem=what)


def from_lock(
    config: ClusterConfig, recipe: Recipe, *, quick: bool = False, host: str | None = None
) -> VerifyRequest:
    """What models.lock holds of the recipe. Raises UsageError where it holds nothing."""
    path = lock_path(config)
    lock = read_lock(path)
    locked = lock.find(recipe)
    if locked is None:
        what = f"{recipe.model} at {recipe.revision} is not locked: its hashes are not known"
        raise UsageError(Problem(what, str(path), f"orchestrate models lock {recipe.words}"))
    return VerifyRequest(at_locked_commit(recipe, lock), locked, quick, host)


def nodes_to_verify(config: ClusterConfig, name: str | None) -> tuple[Node, ...]:
    return config.node if name is None else (node_named(config.node, name),)


def model_folder(transport: Transport, request: VerifyRequest, host: HostFacts) -> str:
    """The folder of the model. Raises HostError where there is none, or the cache hangs."""
    [model] = files_on(transport, request.recipe, [host])
    if model.problem == "missing":
        what = f"model {request.recipe.model} is not here: no folder {model.path}"
        raise HostError(host.node.name, what, how_to_get(request.recipe))
    return model.path


def open_session(
    transport: Transport, node: Node, path: str, request: VerifyRequest
) -> Session | OrchestrateError:
    files = request.locked.files
    sizes = {} if request.quick else {file.path: file.size for file in files}
    git = tuple(file.path for file in files if file.hash.startswith("git-sha1:"))
    try:
        return transport.session(node, hash_program(path, sizes, git))
    except OrchestrateError as error:
        return error


def verify_host(
    request: VerifyRequest, reporter: Reporter, line: ProgressLine, place: HostFolder
) -> HostVerify:
    name = place.host.node.name
    if isinstance(place.session, OrchestrateError):
        raise place.session
    begun = time.monotonic()
    line.begin(name)

    def told(progress: Progress) -> None:
        if progress.done:
            line.note(name, progress)
        elif not request.quick:
            reporter.tell(f"{name}: {plan_of(progress)}")

    try:
        contents = read_contents(place.host.node, place.session, told)
    finally:
        line.end(name)
    row = host_result(request, place, contents, time.monotonic() - begun)
    reporter.tell(f"{name}: {host_summary(row)}")
    return row


def plan_of(progress: Progress) -> str:
    """What a host is about to hash, and on how much of the machine."""
    text = (
        f"hashing {progress.files} files, {progress.total / GB:.1f} GB, on {progress.cores} cores"
    )
    if 0 < progress.files < progress.cores:
        idle = progress.cores - progress.files
        text += f" ({idle} stay idle: a SHA-256 cannot be split, and there are fewer files)"
    return text


def host_summary(row: HostVerify) -> str:
    count = len(row.differences)
    text = f"{count} file{'s differ' if count > 1 else ' differs'}" if count else "as locked"
    if not row.read_bytes:
        return text
    rate = row.read_bytes / GB / row.seconds
    return f"{text}; {row.read_bytes / GB:.1f} GB read in {row.seconds:.1f} s ({rate:.2f} GB/s)"


def host_result(
    request: VerifyRequest, place: HostFolder, contents: Contents, seconds: float
) -> HostVerify:
    found = differences(request.locked.files, contents, quick=request.quick)
    cache = place.host.cache
    return HostVerify(
        place.host.node.name,
        "differs" if found else "same",
        place.path,
        f"{cache.type} from {cache.source}",
        found,
        read_bytes=contents.read_bytes,
        seconds=seconds,
        cores=contents.cores,
        size_only=without_metadata(request.locked.files, contents.found) if request.quick else 0,
        sha256={path: read.sha256 for path, read in contents.hashes.items() if read.sha256},
    )
