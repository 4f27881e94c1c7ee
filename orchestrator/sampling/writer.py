"""Writes samples.jsonl: a line is on the disk before the next request is sent."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from cluster.errors import Busy, Problem, UsageError
from orchestrator.records.artifact import not_written
from orchestrator.sampling.file_format import Line, Samples, read_samples


@dataclass(frozen=True)
class Writer:
    """The only one that writes this file; it is locked."""

    path: Path
    file: FileIO

    def append(self, line: Line) -> None:
        """Raises OrchestrateError where the disk is full."""
        data = memoryview(json.dumps(line).encode() + b"\n")
        try:
            while data:
                data = data[self.file.write(data) :]
            os.fsync(self.file.fileno())
        except OSError as error:
            raise not_written(self.path, error) from None


@contextmanager
def new_file(path: Path, header: Line) -> Iterator[Writer]:
    """A file with its header, durable. Raises OrchestrateError where it cannot be made."""
    with opened(path, "xb") as writer:
        writer.append(header)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        yield writer


@contextmanager
def old_file(path: Path) -> Iterator[tuple[Writer, Samples]]:
    """What a file holds, and its writer; a torn last line is cut off when the first one is added.

    Raises Busy while another run writes it.
    """
    if not path.is_file():
        raise UsageError(Problem("no such file", str(path)))
    with opened(path, "ab") as writer:
        yield writer, read_samples(path)


def cut_torn(writer: Writer, samples: Samples) -> None:
    if samples.torn:
        try:
            os.ftruncate(writer.file.fileno(), samples.whole)
        except OSError as error:
            raise not_written(writer.path, error) from None


@contextmanager
def opened(path: Path, mode: str) -> Iterator[Writer]:
    try:
        file = FileIO(path, mode.replace("b", ""))
    except OSError as error:
        raise not_written(path, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another `orchestrate sample` writes this file"
            raise Busy(Problem(what, str(path), "wait until it has ended")) from None
        except OSError as error:
            raise not_written(path, error) from None
        yield Writer(path, file)
