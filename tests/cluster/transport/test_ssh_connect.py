"""The way to a host's greeting, against a server of paramiko's own: no sshd is needed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from cluster.transport.known_hosts import KnownHosts, read_known_hosts
from cluster.transport.ssh_connect import TRIES, connected, greeted, shown_key
from cluster.transport.ssh_options import Asked, Options, without_ssh

KEY, RSA = paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)
LIMIT_S = 10.0


@contextmanager
def server(*, resets: int = 0, said: bytes = b"") -> Iterator[tuple[int, list[None]]]:
    """Its port, and a list with an entry for each caller. The first `resets` are sent away."""
    listener = socket.create_server(("127.0.0.1", 0))
    callers: list[None] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                callers.append(None)
                if len(callers) <= resets:
                    sock.sendall(said)
                    sock.close()
                    continue
                transport = paramiko.Transport(sock)
                for key in (KEY, RSA):
                    transport.add_server_key(key)
                transport.start_server(threading.Event(), paramiko.ServerInterface())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], callers
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LIMIT_S)


def at(port: int, *known: Path) -> Options:
    plain = without_ssh(Asked("127.0.0.1", "ada", port), {})
    return replace(plain, known_hosts=known, system_known_hosts=())


@pytest.mark.parametrize("said", [b"", b"Exceeded MaxStartups\r\n"])
def test_who_is_sent_away_before_a_word_calls_again(said: bytes) -> None:
    with server(resets=2, said=said) as (port, callers):
        link = greeted(at(port), None, LIMIT_S)
        link.close()
    assert len(callers) == 3


def test_and_gives_up_in_the_end() -> None:
    with server(resets=100) as (port, callers), pytest.raises(paramiko.SSHException):
        greeted(at(port), None, LIMIT_S)
    assert len(callers) == TRIES


@pytest.mark.parametrize("key", [KEY, RSA])
def test_the_kind_of_key_that_is_known_is_the_one_asked_for(
    tmp_path: Path, key: paramiko.PKey
) -> None:
    """Another kind would be unknown: the stranger's way round the key that we know."""
    file = tmp_path / "known"
    with server() as (port, _):
        file.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        options = at(port, file)
        link = greeted(options, None, LIMIT_S)
        shown = shown_key(options, link.transport, read_known_hosts([file]))
        stranger = shown_key(options, link.transport, KnownHosts())
        link.close()
    assert (shown.kind, shown.verdict) == (key.get_name(), "known")
    assert stranger.verdict == "unknown"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        connected(at(port), LIMIT_S)
