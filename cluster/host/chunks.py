"""Files that arrive in chunks and in any order; what has arrived outlives this program.

A file that is not complete yet is KEY.part in the staging folder, beside KEY.chunks: one byte for
each chunk, 1 once the chunk is written. Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

CHUNK = 4 << 20  # bytes; small, since a host can pass a chunk on only once it has all of it
PIECE = 1 << 20  # bytes that are read, written or hashed at once: they stay in the cache


class DiskError(Exception):
    """This host cannot keep what arrives."""


class Store:
    """Which chunks of which files this host has; tells its listeners of each that arrives."""

    def __init__(self, folder: str, files: list[dict[str, Any]]) -> None:
        self.folder, self.files = folder, files
        self.lock = threading.RLock()
        self.have: list[bytearray] = [bytearray(chunks_of(file["size"])) for file in files]
        self.data: list[Any] = [None] * len(files)
        self.journals: list[Any] = [None] * len(files)
        self.listeners: list[Callable[[int, int], None]] = []

    def adopt(self, index: int, path: str) -> None:
        """Count a whole file, wherever it lies, as present."""
        self.data[index] = os.fdopen(os.open(path, os.O_RDONLY), "rb", buffering=0)
        self.have[index][:] = b"\1" * len(self.have[index])

    def grow(self, index: int) -> None:
        """Open the part of a file with what an earlier run left of it."""
        size = self.files[index]["size"]
        fresh = not os.path.exists(self.part(index))
        with self.lock:
            self.data[index] = opened(self.part(index))
            self.journals[index] = journal = opened(self.part(index)[: -len("part")] + "chunks")
            length = len(self.have[index])
            if fresh or os.fstat(self.data[index].fileno()).st_size != size:
                journal.truncate(0)
                self.data[index].truncate(size)
            marks = os.pread(journal.fileno(), length, 0).ljust(length, b"\0")
            self.have[index][:] = marks

    def part(self, index: int) -> str:
        return os.path.join(self.folder, self.files[index]["key"] + ".part")

    def name(self, index: int) -> str:
        return str(self.files[index]["paths"][0])

    def is_part(self, index: int) -> bool:
        return self.journals[index] is not None

    def forget(self, index: int) -> None:
        """All of a file is to come again."""
        with self.lock:
            if not self.is_part(index):
                self.grow(index)
            self.have[index][:] = bytes(len(self.have[index]))
            self.journals[index].truncate(0)

    def write(self, index: int, offset: int, piece: memoryview) -> None:
        done = 0
        try:
            while done < len(piece):
                done += os.pwrite(self.data[index].fileno(), piece[done:], offset + done)
        except OSError as error:
            raise DiskError(f"{self.folder}: {error.strerror}") from None

    def arrived(self, index: int, chunk: int) -> None:
        with self.lock:
            self.have[index][chunk] = 1
            os.pwrite(self.journals[index].fileno(), b"\1", chunk)
            for listener in self.listeners:
                listener(index, chunk)

    def length(self, index: int, chunk: int) -> int:
        return min(CHUNK, int(self.files[index]["size"]) - chunk * CHUNK)

    def missing_bytes(self) -> int:
        with self.lock:
            return sum(
                self.length(index, chunk)
                for index, marks in enumerate(self.have)
                for chunk, mark in enumerate(marks)
                if not mark
            )


def chunks_of(size: int) -> int:
    return -(-size // CHUNK)


def opened(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
