"""The files of a folder on one host and the SHA-256 of each, while its host hashes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from cluster.errors import HostError, Unreachable
from cluster.inventory.node import Node
from cluster.transport.answers import answers, keyed
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

    file: str = ""
    sha256: str = ""
    git_sha1: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Found:
    """All files of the folder; how many are hashed, on how many cores, bytes of them."""

    found: tuple[FoundFile, ...]
    cores: int
    hashing: int
    bytes: int


@dataclass(frozen=True)
class HashedBytes:
    """Bytes hashed so far."""

    bytes: int


@dataclass(frozen=True)
class AllHashed:
    """All that was asked for is hashed."""

    end: bool


@dataclass(frozen=True)
class Failed:
    """The folder cannot be listed, and why."""

    failed: str


@dataclass(frozen=True)
class Silent:
    """Nothing was read for these seconds, of these files."""

    silent: float
    files: tuple[str, ...]


Event = Found | FileHash | HashedBytes | AllHashed | Failed | Silent
EVENTS: TypeAdapter[Event] = keyed(Found, FileHash, HashedBytes, AllHashed, Failed, Silent)


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
        match event:
            case Found():
                found = event.found
                progress = Progress(0, event.bytes, event.hashing, event.cores)
            case FileHash(file):
                hashes[file] = event
                continue
            case HashedBytes(done):
                progress = replace(progress, done=done)
            case AllHashed():
                return Contents(found, hashes, progress.cores, progress.total)
        told(progress)
    if found:
        raise Unreachable(node.name, "the connection broke while its files were hashed")
    raise HostError(node.name, NO_ANSWER, "does python3 3.9 or newer run there?")


def events(node: Node, session: Session) -> Iterator[Event]:
    try:
        for event in answers(session, EVENTS, HASH_SILENCE_S + SLACK_S):
            if isinstance(event, Silent):
                raise no_progress(node, ", ".join(event.files[:3]))
            if isinstance(event, Failed):
                hint = "may the SSH user read it?"
                raise HostError(node.name, f"the files cannot be listed: {event.failed}", hint)
            yield event
    except TimeoutError:
        raise no_progress(node, "its files") from None


def no_progress(node: Node, what: str) -> HostError:
    return HostError(
        node.name,
        f"nothing was read for {HASH_SILENCE_S:g} s of {what}",
        "does the mount or the disk hang? on that host: dmesg, and cat /proc/mounts",
    )
