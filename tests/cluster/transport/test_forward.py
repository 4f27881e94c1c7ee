"""A local port that leads to a host's: bytes both ways, faults, and nothing left behind."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import paramiko
import pytest

from cluster.errors import HostError
from cluster.transport.forward import forwarded
from cluster.transport.local import Local
from cluster.transport.ssh import SshStream
from tests.served.script import Answer, Slow
from tests.served.server import serving
from tests.support.factory import config_of
from tests.support.scripted import Script

HEAD = config_of().head


@contextmanager
def open_port(port: int) -> Iterator[int]:
    """The forwarded port; no thread may be left of it."""
    before = set(threading.enumerate())
    with forwarded(Local(), HEAD, "127.0.0.1", port) as local:
        yield local
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


def test_requests_go_through_side_by_side() -> None:
    with serving(Answer("hello")) as server, open_port(server.port) as port:
        clients = [httpx.Client(base_url=f"http://127.0.0.1:{port}") for _ in range(8)]
        body = {"model": "tiny", "prompt": "x"}
        answers = [client.post("/v1/completions", json=body) for client in clients for _ in "123"]
        for client in clients:
            client.close()
    assert {answer.json()["choices"][0]["text"] for answer in answers} == {"hello"}
    assert server.connections == 9  # one to see whether anything accepts


def test_leaving_ends_what_is_under_way() -> None:
    with serving(Slow(Answer("a " * 10_000), 0.01)) as server, httpx.Client() as client:
        with open_port(server.port) as port:
            body = {"model": "tiny", "prompt": "x", "stream": True}
            url = f"http://127.0.0.1:{port}/v1/completions"
            request = client.build_request("POST", url, json=body)
            answer = client.send(request, stream=True)
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
        with pytest.raises(httpx.TransportError):
            list(lines)


def test_nothing_accepts() -> None:
    with (
        pytest.raises(HostError, match=r"h1: nothing accepts connections at 127\.0\.0\.1:8200"),
        forwarded(Script(), HEAD, "127.0.0.1", 8200),
    ):
        pass


def test_a_server_that_went_away_is_a_lost_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        number = gone.getsockname()[1]
        with open_port(number) as port:
            gone.close()
            with httpx.Client() as client, pytest.raises(httpx.TransportError):
                client.get(f"http://127.0.0.1:{port}/health", timeout=5)


def test_streams_over_ssh_can_be_kept_in_a_set() -> None:
    """Else no request reaches a model behind SSH: the thread that carries it dies."""
    one, other = SshStream(paramiko.Channel(1)), SshStream(paramiko.Channel(1))
    assert len({one, other}) == 2
