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
from cluster.whole_file import write_error
from orchestrator.sampling.file_format import SampleLine, Samples, read_samples


@dataclass(frozen=True)
class SamplesFile:
    """The file, locked: no other process writes it."""

    path: Path
    file: FileIO

    def append(self, line: SampleLine) -> None:
        """Raises OrchestrateError where it cannot be written, as on a full disk."""
        data = memoryview(json.dumps(line).encode() + b"\n")
        try:
            while data:
                data = data[self.file.write(data) :]
            os.fsync(self.file.fileno())
        except OSError as error:
            raise write_error(self.path, error) from None


@contextmanager
def create_samples_file(path: Path, header: SampleLine) -> Iterator[SamplesFile]:
    """Creates the file with its header, durably. Raises OrchestrateError where it cannot."""
    with lock_samples_file(path, "xb") as writer:
        writer.append(header)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        yield writer


@contextmanager
def reopen_samples_file(path: Path) -> Iterator[tuple[SamplesFile, Samples]]:
    """What a file holds, and the file open for writing.

    Raises Busy while another run writes it.
    """
    if not path.is_file():
        raise UsageError(Problem("no such file", str(path)))
    with lock_samples_file(path, "ab") as writer:
        yield writer, read_samples(path)


def cut_torn_line(writer: SamplesFile, samples: Samples) -> None:
    if samples.torn:
        try:
            os.ftruncate(writer.file.fileno(), samples.whole)
        except OSError as error:
            raise write_error(writer.path, error) from None


@contextmanager
def lock_samples_file(path: Path, mode: str) -> Iterator[SamplesFile]:
    try:
        file = FileIO(path, mode.replace("b", ""))
    except OSError as error:
        raise write_error(path, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another `orchestrate sample` is writing this file"
            raise Busy(Problem(what, str(path), "wait until it has ended")) from None
        except OSError as error:
            raise write_error(path, error) from None
        yield SamplesFile(path, file)
