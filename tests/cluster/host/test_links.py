"""Chunks between two hosts: who may bring them, and what ends a link."""

import hashlib
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cluster.host.chunks import CHUNK, Store
from cluster.host.hasher import Hasher
from cluster.host.links import HEADER, LAST, Link, Listener, exactly

TOKEN = "t" * 64
Told = list[dict[str, Any]]


@pytest.fixture
def made() -> Iterator[Callable[..., Store]]:
    """Give a function that makes a store of one file, which is closed in the end."""
    stores: list[Store] = []

    def make(folder: Path, size: int) -> Store:
        stores.append(Store(str(folder), [{"paths": ["f"], "size": size, "hash": "", "key": "f"}]))
        return stores[-1]

    yield make
    for store in stores:
        for file in (*store.data, *store.journals):
            if file:
                file.close()


@pytest.fixture
def listening(tmp_path: Path, made: Callable[..., Store]) -> Iterator[tuple[Listener, Told]]:
    """A host that waits for the three bytes of a file, and what it tells."""
    store = made(tmp_path, 3)
    store.grow(0)
    listener, told = Listener(store, "127.0.0.1", TOKEN), Told()

    def serve() -> None:
        with suppress(OSError):  # closed in the end
            listener.serve(lambda **event: told.append(event))

    threading.Thread(target=serve, daemon=True).start()
    yield listener, told
    listener.socket.close()


@pytest.mark.parametrize("more", [b"?", b"+" + HEADER.pack(0, 0, 3) + b"bad"])
def test_a_stranger_can_neither_ask_nor_feed(listening: tuple[Listener, Told], more: bytes) -> None:
    listener, told = listening
    with socket.create_connection(("127.0.0.1", listener.port), 5) as stranger:
        stranger.sendall(b"x" * 64 + more)
        with suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
    assert told == [{"refused": "127.0.0.1"}]
    assert (listener.bytes, listener.store.missing_bytes()) == (0, 3)


def test_who_has_the_token_can(listening: tuple[Listener, Told]) -> None:
    listener, told = listening
    with socket.create_connection(("127.0.0.1", listener.port), 5) as friend:
        friend.sendall(TOKEN.encode() + b"+" + HEADER.pack(0, 0, 3) + b"yes" + LAST)
        assert friend.recv(1) == b"."
    assert (told, listener.store.missing_bytes()) == ([], 0)


def test_a_chunk_of_another_length_is_an_error(listening: tuple[Listener, Told]) -> None:
    listener, told = listening
    with socket.create_connection(("127.0.0.1", listener.port), 5) as friend:
        friend.sendall(TOKEN.encode() + b"+" + HEADER.pack(0, 0, 4))
        assert friend.recv(1) == b""
    assert told == [{"error": "ValueError: chunk 0 of file 0 with 4 bytes"}]


def test_a_receiver_that_takes_nothing_is_lost_after_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[..., Store]
) -> None:
    monkeypatch.setattr("cluster.host.links.STALL_S", 0.2)
    size, big = 16 * CHUNK, tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(size)
    store = made(tmp_path, size)
    store.adopt(0, str(big))
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=answer_and_hang, args=(server, b"00" * 16))
        answer.start()
        lost: queue.Queue[str] = queue.Queue()
        target = {"address": "127.0.0.1", "port": server.getsockname()[1], "token": TOKEN}
        link = Link(store, target, lambda sent: None)
        link.run(lost.put)
        assert lost.get(timeout=20) == "no answer for 0.2 s"
        for thread in (answer, *link.streams):
            thread.join()


def answer_and_hang(server: socket.socket, marks: bytes) -> None:
    peer, _ = server.accept()
    with peer:
        exactly(peer, len(TOKEN) + 1)
        peer.sendall(b'["' + marks + b'"]')


def test_a_journal_counts_only_beside_a_part_of_the_right_size(
    tmp_path: Path, made: Callable[..., Store]
) -> None:
    size = 2 * CHUNK
    (tmp_path / "f.chunks").write_bytes(b"\1\1")
    store = made(tmp_path, size)
    store.grow(0)
    assert store.missing_bytes() == size
    store.arrived(0, 1)
    again = made(tmp_path, size)
    again.grow(0)
    assert again.missing_bytes() == CHUNK


def test_chunks_are_hashed_in_order_whatever_their_order(
    tmp_path: Path, made: Callable[..., Store]
) -> None:
    store = made(tmp_path, CHUNK + 3)
    store.grow(0)
    done: queue.Queue[tuple[int, str]] = queue.Queue()
    hasher = Hasher(store, lambda index, value: done.put((index, value)))
    hasher.start(lambda error: done.put((-1, str(error))))
    hasher.follow(0)
    for offset, data in ((CHUNK, b"end"), (0, b"a" * CHUNK)):
        store.write(0, offset, memoryview(data))
        store.arrived(0, offset // CHUNK)
    expected = hashlib.sha256(b"a" * CHUNK + b"end").hexdigest()
    assert done.get(timeout=20) == (0, f"sha256:{expected}")
