"""Hash files while they arrive, so that verification costs no second read of the disk.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from cluster.host.chunks import CHUNK, PIECE, Store


class Hasher:
    """Hashes files as they grow, each in its order, several at once; `done(index, hash)` is told.

    What it reads has just been written, so it comes from memory and not from the disk.
    """

    def __init__(self, store: Store, done: Callable[[int, str], None]) -> None:
        self.store, self.done, self.bytes = store, done, 0
        self.states: dict[int, list[Any]] = {}
        self.busy: set[int] = set()
        self.work: queue.Queue[int] = queue.Queue()

    def start(self, failed: Callable[[BaseException], None]) -> None:
        self.store.listeners.append(lambda index, chunk: self.go_on(index))
        for _ in range(max(1, len(os.sched_getaffinity(0)))):
            threading.Thread(target=self._serve, args=(failed,), daemon=True).start()

    def follow(self, index: int) -> None:
        """Hash a file from its start."""
        with self.store.lock:
            file = self.store.files[index]
            kind = file["hash"].partition(":")[0] or "sha256"
            digest = hashlib.sha1() if kind == "git-sha1" else hashlib.sha256()
            if kind == "git-sha1":
                digest.update(b"blob %d\0" % file["size"])
            self.states[index] = [kind, digest, 0]
            self.go_on(index)

    def go_on(self, index: int) -> None:
        with self.store.lock:
            if index in self.states and index not in self.busy:
                self.busy.add(index)
                self.work.put(index)

    def _serve(self, failed: Callable[[BaseException], None]) -> None:
        buffer = memoryview(bytearray(PIECE))
        try:
            while True:
                self._advance(self.work.get(), buffer)
        except Exception as error:
            failed(error)

    def _advance(self, index: int, buffer: memoryview) -> None:
        """Hash what has arrived without a gap."""
        store = self.store
        while True:
            with store.lock:
                state = self.states[index]
                kind, digest, position = state
                if position == len(store.have[index]):
                    del self.states[index]
                if position == len(store.have[index]) or not store.have[index][position]:
                    self.busy.discard(index)
                    break
            self._hash_chunk(index, position, digest, buffer)
            state[2] += 1
        if position == len(store.have[index]):
            self.done(index, f"{kind}:{digest.hexdigest()}")

    def _hash_chunk(self, index: int, chunk: int, digest: Any, buffer: memoryview) -> None:
        length, done = self.store.length(index, chunk), 0
        while done < length:
            wanted = buffer[: min(PIECE, length - done)]
            count = os.preadv(self.store.data[index].fileno(), [wanted], chunk * CHUNK + done)
            if not count:
                raise OSError(f"{self.store.name(index)} became shorter")
            digest.update(wanted[:count])
            done += count
            self.bytes += count
