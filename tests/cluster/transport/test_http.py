"""httpx over a road that is not a socket of ours."""

import httpx
import pytest

from cluster.transport.http import http_client
from tests.support.factory import config_of
from tests.support.scripted import HttpStream, Script

HEAD = config_of().head


def test_a_request_travels_with_its_key() -> None:
    stream = HttpStream(200, "hello")
    with http_client(Script(dialled=lambda: stream), HEAD, "127.0.0.1", 8200, key="k") as http:
        assert http.get("/health").text == "hello"
    assert stream.sent.startswith(b"GET /health HTTP/1.1\r\n")
    assert b"Authorization: Bearer k\r\n" in stream.sent


def test_nobody_listening_is_a_connect_error() -> None:
    with (
        http_client(Script(), HEAD, "127.0.0.1", 8200) as http,
        pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.1:8200"),
    ):
        http.get("/health")


class Silent(HttpStream):
    def recv(self, size: int, /) -> bytes:
        raise TimeoutError


class Broken(HttpStream):
    def sendall(self, data: bytes, /) -> None:
        raise ConnectionResetError("reset")

    def recv(self, size: int, /) -> bytes:
        raise ConnectionResetError("reset")


@pytest.mark.parametrize(
    ("stream", "kind"), [(Silent(200, ""), httpx.ReadTimeout), (Broken(200, ""), httpx.ReadError)]
)
def test_a_broken_road_is_an_httpx_error(
    stream: HttpStream, kind: type[httpx.TransportError]
) -> None:
    with (
        http_client(Script(dialled=lambda: stream), HEAD, "127.0.0.1", 8200) as http,
        pytest.raises(kind),
    ):
        http.get("/health")


def test_an_answer_cut_short_is_an_error() -> None:
    stream = HttpStream(200, "whole answer")
    stream.left = stream.left[:-4]
    with (
        http_client(Script(dialled=lambda: stream), HEAD, "127.0.0.1", 8200) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.get("/health")
