"""What is copied from where to where: the source, the order of the hosts, the files; pure."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cluster.errors import OrchestrateError, PreflightError, Problem, UsageError
from orchestrator.host.safe_names import is_blob, is_safe_path
from orchestrator.models.cache import ModelFiles, how_to_get
from orchestrator.models.lockfile import LockedModel
from orchestrator.recipes.recipe import Recipe

MARGIN = 256 << 20  # bytes that stay free on every disk


@dataclass(frozen=True)
class Content:
    """Bytes that travel once, however many paths of the snapshot hold them.

    `hash` as in models.lock, or empty where only the source can say; `blob` is the name in the hub
    cache or empty; `key` names what has arrived of it in the staging folder.
    """

    paths: tuple[str, ...]
    size: int
    hash: str
    blob: str
    key: str


@dataclass(frozen=True)
class Listed:
    """A file of the source's snapshot, as the source says; `blob` "" where it is no link into the
    hub's store.
    """

    path: str
    size: int
    blob: str
    mtime_ns: int


@dataclass(frozen=True)
class Receiver:
    """What a host said once it listened: bytes that it lacks and that it has room for."""

    name: str
    address: str
    port: int
    token: str
    missing: int
    free: int


def contents_of(listing: Sequence[Listed], entry: LockedModel | None) -> list[Content]:
    """The files of the source's snapshot; with a lock entry those that it names, and no others.

    Raises PreflightError for a name that leads out of the folder.
    """
    hashes = {file.path: file.hash for file in entry.files} if entry else {}
    found: dict[str, Content] = {}
    for file in listing:
        path, size, blob = file.path, file.size, file.blob
        if entry and path not in hashes:
            continue
        if not is_safe_path(path) or not is_blob(blob):
            what = f"the model has a file with an unsafe name, {path!r}, {blob!r}"
            raise PreflightError(Problem(what))
        if blob and blob in found:
            paths = (*found[blob].paths, path)
            found[blob] = Content(paths, size, found[blob].hash, blob, blob)
            continue
        known = hashes.get(path) or hash_of_blob(blob)
        age = "" if known else file.mtime_ns
        key = blob or hashlib.sha256(f"{path} {size} {known} {age}".encode()).hexdigest()
        found[blob or path] = Content((path,), size, known, blob, key)
    return list(found.values())


def hash_of_blob(blob: str) -> str:
    """The hub names a blob after its SHA-256, a small file after git's SHA-1."""
    if re.fullmatch(r"[0-9a-f]{64}", blob):
        return f"sha256:{blob}"
    return f"git-sha1:{blob}" if re.fullmatch(r"[0-9a-f]{40}", blob) else ""


def verified_against(entry: LockedModel | None, contents: Sequence[Content], source: str) -> str:
    """What the hashes are compared with, for the report."""
    if entry:
        return f"models.lock of {entry.locked}"
    if all(content.hash for content in contents):
        return "the names that the hub gave the blobs; no models.lock entry"
    return f"the files of {source} itself; no models.lock entry"


def choose_source(
    recipe: Recipe, models: Sequence[ModelFiles], entry: LockedModel | None, wanted: str | None
) -> ModelFiles:
    """The host that is asked for, else the first one that has everything.

    Raises PreflightError that says what each host lacks, UsageError for an unknown host.
    """
    names = [model.host.node.name for model in models]
    if wanted is not None and wanted not in names:
        raise UsageError(
            Problem(f"no host `{wanted}` answers", "--from", f"one of {', '.join(names)}")
        )
    candidates = [m for m in models if wanted in (None, m.host.node.name)]
    for model in candidates:
        if not why_no_source(model, entry):
            return model
    problems = [
        Problem(
            f"cannot be the source of {recipe.model}: {why_no_source(m, entry)}", m.host.node.name
        )
        for m in candidates
    ]
    hint = f"make one host complete first: {how_to_get(recipe)}"
    raise PreflightError(*problems[:-1], Problem(problems[-1].what, problems[-1].where, hint))


def why_no_source(model: ModelFiles, entry: LockedModel | None) -> str:
    """Why a host cannot be the source; empty when it can. Hashes are looked at on the way."""
    if model.problem == "missing":
        return f"no folder {model.path}"
    sizes = dict(model.files)
    wrong = [f for f in (entry.files if entry else ()) if sizes.get(f.path) != f.size]
    if wrong:
        first = wrong[0]
        has = f"{sizes[first.path]} bytes" if first.path in sizes else "nothing"
        count = f"{len(wrong)} files" if len(wrong) > 1 else "a file"
        return (
            f"{count} not as in models.lock: {first.path} has {has} instead of {first.size} bytes"
        )
    return f"not complete: {model.problem}" if model.problem else ""


def in_chain_order(names: Sequence[str], source: str) -> list[str]:
    """The receivers in the inventory's order, from the source on, then from its start."""
    at = list(names).index(source)
    return [*names[at + 1 :], *names[:at]]


def shared_with(
    order: Sequence[str], seen: Mapping[str, Collection[str]], source: str
) -> dict[str, str]:
    """Hosts that need no copy of their own, each with the host whose folder it shares.

    `seen` holds for each host the hosts whose marks it found in its own cache.
    """
    shared: dict[str, str] = {}
    own = [source]
    for name in order:
        first = next((other for other in own if other in seen[name]), None)
        if first:
            shared[name] = first
        else:
            own.append(name)
    return shared


def space_problems(receivers: Sequence[Receiver]) -> list[OrchestrateError]:
    return [
        PreflightError(
            Problem(
                f"the disk of the model cache is too small: {each.missing} bytes are to come, "
                f"{each.free} are free, and {MARGIN >> 20} MiB must stay free",
                each.name,
                "make room there, or set `cache` in nodes.toml to a larger disk",
            )
        )
        for each in receivers
        if each.missing and each.missing + MARGIN > each.free
    ]
