"""What a folder holds, against what the lock says; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.models.lockfile import LockedFile
from orchestrator.models.verify.hashing import Contents, FileHash, FoundFile

Kind = Literal["missing", "truncated", "too long", "wrong", "unreadable", "extra"]


@dataclass(frozen=True)
class Difference:
    """One file that is not as it was locked; `real` is where its links end."""

    path: str
    kind: Kind
    what: str
    real: str = ""


def differences(
    locked: Sequence[LockedFile], contents: Contents, *, quick: bool
) -> tuple[Difference, ...]:
    """Every difference, in the order of the paths; `quick` compares no content."""
    found = {file.path: file for file in contents.found}
    wanted = {file.path for file in locked}
    compared = [compare(each, found.get(each.path), contents.hashes, quick) for each in locked]
    extra = [extra_file(file) for file in contents.found if file.path not in wanted]
    return tuple(sorted((d for d in (*compared, *extra) if d), key=lambda each: each.path))


def extra_file(file: FoundFile) -> Difference:
    return Difference(file.path, "extra", file.problem or f"{file.size} bytes, not in the lock")


def compare(
    locked: LockedFile, file: FoundFile | None, hashes: Mapping[str, FileHash], quick: bool
) -> Difference | None:
    if file is None:
        return Difference(locked.path, "missing", "no such file")
    if file.problem:
        kind: Kind = "missing" if file.problem.startswith("a link") else "unreadable"
        return Difference(locked.path, kind, file.problem, file.real)
    if file.size != locked.size:
        kind = "truncated" if file.size < locked.size else "too long"
        return Difference(locked.path, kind, f"{file.size} of {locked.size} bytes", file.real)
    if quick:
        return by_name(locked, file)
    return by_content(locked, file, hashes.get(locked.path, FileHash(problem="it was not read")))


def by_content(locked: LockedFile, file: FoundFile, read: FileHash) -> Difference | None:
    if read.problem:
        return Difference(locked.path, "unreadable", read.problem, file.real)
    kind, _, wanted = locked.hash.partition(":")
    has = read.sha256 if kind == "sha256" else read.git_sha1
    if has == wanted:
        return None
    what = f"{kind} {has[:12]}... in place of {wanted[:12]}..."
    return Difference(locked.path, "wrong", what, file.real)


def by_name(locked: LockedFile, file: FoundFile) -> Difference | None:
    """The hub names a file by its hash; where that is the other kind of hash, it proves nothing."""
    kind, _, wanted = locked.hash.partition(":")
    named_kind, _, named = file.named.partition(":")
    if kind != named_kind or named == wanted:
        return None
    what = f"the hub's metadata says {named[:12]}... in place of {wanted[:12]}..."
    return Difference(locked.path, "wrong", what, file.real)


def without_metadata(locked: Sequence[LockedFile], found: Sequence[FoundFile]) -> int:
    """Files of which `quick` can compare nothing but the size."""
    kinds = {file.path: file.hash.partition(":")[0] for file in locked}
    return sum(
        file.named.partition(":")[0] != kinds[file.path] for file in found if file.path in kinds
    )
