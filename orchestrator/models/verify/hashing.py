"""The files of a folder on one host and the SHA-256 of each, while its host hashes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.errors import HostError, Unreachable
from cluster.inventory.node import Node
from cluster.transport.answers import answers
from cluster.transport.program import Program, program
from cluster.transport.protocol import Session

HASH_SILENCE_S = 30.0
SLACK_S = 15.0  # the host says first that it waits in vain: it knows for which file
NO_ANSWER = "the program that hashes gave no answer"
OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True)
class FoundFile:
    """A file in a folder; size in bytes. `real` is where its links end, `named` the hash that
    the hub's metadata states, in the lock's form, `problem` why it cannot be used.
    """

    path: str
    real: str
    size: int
    named: str
    problem: str


@dataclass(frozen=True)
class FileHash:
    """What was read of a file; `git_sha1` only where it was asked for."""

    sha256: str = ""
    git_sha1: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Progress:
    """Bytes hashed so far and in total, of how many files, on how many cores."""

    done: int
    total: int
    files: int
    cores: int


@dataclass(frozen=True)
class Contents:
    """All files of a folder, and the hashes of those that were read."""

    found: tuple[FoundFile, ...]
    hashes: Mapping[str, FileHash]
    cores: int
    read_bytes: int


def hash_program(path: str, sizes: Mapping[str, int] | None, git: tuple[str, ...] = ()) -> Program:
    """Hash the files of `sizes` where they have that size; all for None, none for {}."""
    request = {"path": path, "sizes": sizes, "git": git, "silence_s": HASH_SILENCE_S}
    return program("orchestrator.host.hash_files", request)


def read_contents(node: Node, session: Session, told: OnProgress) -> Contents:
    """Follow the program to its end. Raises HostError when it fails, hangs or breaks off."""
    found: tuple[FoundFile, ...] = ()
    hashes: dict[str, FileHash] = {}
    progress = Progress(0, 0, 0, 0)
    for event in events(node, session):
        if "found" in event:
            found = tuple(FoundFile(**each) for each in event["found"])
            progress = Progress(0, event["bytes"], event["hashing"], event["cores"])
        elif "file" in event:
            read = {key: event[key] for key in event.keys() - {"file", "size"}}
            hashes[event["file"]] = FileHash(**read)
            continue
        elif "bytes" in event:
            progress = Progress(event["bytes"], progress.total, progress.files, progress.cores)
        else:
            return Contents(found, hashes, progress.cores, progress.total)
        told(progress)
    if found:
        raise Unreachable(node.name, "the connection broke while its files were hashed")
    raise HostError(node.name, NO_ANSWER, "does python3 3.9 or newer run there?")


def events(node: Node, session: Session) -> Iterator[dict[str, Any]]:
    try:
        for event in map(printable, answers(session, HASH_SILENCE_S + SLACK_S)):
            if "silent" in event:
                raise no_progress(node, ", ".join(event["files"][:3]))
            if "failed" in event:
                hint = "may the SSH user read it?"
                raise HostError(node.name, f"the files cannot be listed: {event['failed']}", hint)
            yield event
    except TimeoutError:
        raise no_progress(node, "its files") from None


def no_progress(node: Node, what: str) -> HostError:
    return HostError(
        node.name,
        f"nothing was read for {HASH_SILENCE_S:g} s of {what}",
        "does the mount or the disk hang? on that host: dmesg, and cat /proc/mounts",
    )


def printable(value: Any) -> Any:
    """File names that are not UTF-8, made printable."""
    if isinstance(value, dict):
        return {key: printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [printable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
