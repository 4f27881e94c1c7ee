"""Pass chunks of files from host to host over several TCP streams, as they arrive.

A stream begins with the receiver's token and a letter: `?` asks which chunks are there, `+` brings
chunks, each a header and its bytes. Who does not know the token can neither feed nor ask.
Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import hmac
import json
import queue
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from cluster.host.chunks import CHUNK, PIECE, Store

STREAMS = 4
STALL_S = 30.0  # without one byte
CONNECT_S = 10.0
HEADER = struct.Struct("!IIQ")  # file, chunk, bytes
LAST = HEADER.pack(0xFFFFFFFF, 0, 0)


class Listener:
    """Takes chunks from whoever has the token; counts the bytes."""

    def __init__(self, store: Store, address: str, token: str) -> None:
        self.store, self.token, self.bytes = store, token.encode(), 0
        self.socket = socket.create_server((address, 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()

    def serve(self, tell: Callable[..., None]) -> None:
        while True:
            peer, address = self.socket.accept()
            threading.Thread(target=self._meet, args=(peer, address[0], tell), daemon=True).start()

    def _meet(self, peer: socket.socket, address: str, tell: Callable[..., None]) -> None:
        with peer:
            try:
                peer.settimeout(CONNECT_S)
                said = exactly(peer, len(self.token) + 1)
                if not hmac.compare_digest(said[:-1], self.token):
                    tell(refused=address)
                    return
                peer.settimeout(None)  # a sender may wait for long itself; it has the limit
                if said[-1:] == b"?":
                    with self.store.lock:
                        marks = [have.hex() for have in self.store.have]
                    peer.sendall(json.dumps(marks).encode())
                else:
                    self._take(peer)
            except (EOFError, OSError):
                pass  # the sender is gone: another one takes over, or nobody does
            except Exception as error:
                tell(error=f"{type(error).__name__}: {error}")

    def _take(self, peer: socket.socket) -> None:
        buffer = memoryview(bytearray(PIECE))
        while True:
            index, chunk, length = HEADER.unpack(exactly(peer, HEADER.size))
            if index == 0xFFFFFFFF:
                peer.sendall(b".")
                return
            if length != self.store.length(index, chunk) or not self.store.is_part(index):
                raise ValueError(f"chunk {chunk} of file {index} with {length} bytes")
            done = 0
            while done < length:
                count = peer.recv_into(buffer, min(PIECE, length - done))
                if not count:
                    raise EOFError
                self.store.write(index, chunk * CHUNK + done, buffer[:count])
                done += count
                with self.lock:
                    self.bytes += count
            self.store.arrived(index, chunk)


class Link:
    """Brings the next host what it lacks: at once what is here, the rest as it arrives."""

    def __init__(self, store: Store, target: dict[str, Any], count: Callable[[int], None]) -> None:
        self.store, self.target, self.count = store, target, count
        self.ready: queue.Queue[Any] = queue.Queue()
        self.wanted: set[tuple[int, int]] = set()
        self.left = 0
        self.streams: list[threading.Thread] = []
        self.closed = threading.Event()

    def run(self, lost: Callable[[str], None]) -> None:
        """To the end of what the next host lacks. `lost` is told once when it cannot go on."""
        try:
            with self._connect(b"?") as peer:
                peer.settimeout(STALL_S)
                self._expect(json.loads(everything(peer)))
        except (OSError, EOFError, ValueError) as error:
            self._end(error, lost)
            return
        for _ in range(STREAMS):
            stream = threading.Thread(target=self._stream, args=(lost,), daemon=True)
            self.streams.append(stream)
            stream.start()

    def _expect(self, marks: list[str]) -> None:
        """Queue what is here; the store tells of the rest."""
        with self.store.lock:
            if self.closed.is_set():
                return
            lacks = {
                (index, chunk)
                for index, have in enumerate(marks)
                for chunk, mark in enumerate(bytes.fromhex(have))
                if not mark
            }
            self.left = len(lacks)
            here = {key for key in lacks if self.store.have[key[0]][key[1]]}
            self.wanted = lacks - here
            for key in sorted(here):
                self.ready.put(key)
            self.store.listeners.append(self._arrived)
            if not self.left:
                self._finish()

    def _arrived(self, index: int, chunk: int) -> None:
        if (index, chunk) in self.wanted:
            self.wanted.discard((index, chunk))
            self.ready.put((index, chunk))

    def _stream(self, lost: Callable[[str], None]) -> None:
        try:
            with self._connect(b"+") as peer:
                peer.settimeout(STALL_S)
                while True:
                    key = self.ready.get()
                    if key is None or self.closed.is_set():
                        break
                    self._send(peer, *key)
                    with self.store.lock:
                        self.left -= 1
                        if not self.left:
                            self._finish()
                peer.sendall(LAST)
                exactly(peer, 1)
        except (OSError, EOFError) as error:
            self._end(error, lost)

    def _send(self, peer: socket.socket, index: int, chunk: int) -> None:
        length, done = self.store.length(index, chunk), 0
        peer.sendall(HEADER.pack(index, chunk, length), socket.MSG_MORE)
        while done < length:
            part = min(PIECE, length - done)
            sent = peer.sendfile(self.store.data[index], chunk * CHUNK + done, part)
            if not sent:
                raise OSError(f"{self.store.name(index)} became shorter")
            done += sent
            self.count(sent)

    def _connect(self, letter: bytes) -> socket.socket:
        target = self.target
        peer = socket.create_connection((target["address"], target["port"]), CONNECT_S)
        peer.sendall(target["token"].encode() + letter)
        return peer

    def _end(self, error: BaseException, lost: Callable[[str], None]) -> None:
        if not self.closed.is_set():
            self.close()
            timed_out = isinstance(error, socket.timeout)
            why = f"no answer for {STALL_S:g} s" if timed_out else str(error) or "it hung up"
            lost(why)

    def close(self) -> None:
        """Send nothing more; safe to call twice."""
        self.closed.set()
        with self.store.lock:
            if self._arrived in self.store.listeners:
                self.store.listeners.remove(self._arrived)
        self._finish()

    def _finish(self) -> None:
        for _ in range(STREAMS):
            self.ready.put(None)


def exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            raise EOFError("it hung up")
        data += piece
    return data


def everything(peer: socket.socket) -> bytes:
    pieces: list[bytes] = []
    while True:
        piece = peer.recv(PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
