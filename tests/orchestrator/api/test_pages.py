"""Pages of a server that say something else than they should: a value or one error."""

import httpx
import pytest

from orchestrator.api.pages import PAGE_BYTES, ask_page, page_of_json
from orchestrator.api.target import Target
from orchestrator.bench.runner import token_pool
from orchestrator.records.provenance import server_version
from tests.served.script import Answer, Delivery, Raw, Status, body
from tests.served.server import serving
from tests.support.streams.unread import PAGE
from tests.support.typed import typed

DEEP = "[" * 100_000
ODD: dict[str, Delivery] = {
    "deep": Status(200, DEEP),
    "other JSON": Status(200, '{"data": 7, "tokens": "x", "version": {}}'),
    "infinite": Status(200, '{"tokens": [1e999, null], "data": [null]}'),
    "half a character": Status(200, '{"data": [{"id": "\\ud83d"}, {"id": "b"}]}'),
    "web page": body(PAGE, "text/html"),
    "no such charset": body(PAGE, "text/html; charset=base64"),
    "no gzip": body(b"no", "text/html", content_encoding="gzip"),
    "no HTTP": Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "500 of a charset": Raw(b"HTTP/1.1 500 X\r\ncontent-type: a/b; charset=hex\r\n\r\n\xff"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pages_end_in_a_message(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("run"))
    paths = ("/health", "/v1/models", "/version", "/tokenize", "/metrics")
    with serving(Answer(" Ada"), pages=dict.fromkeys(paths, ODD[name])) as server:
        seen = [typed("test", "smoke", "--url", server.url, *m) for m in ((), ("--model", "tiny"))]
        target = Target(server.url, server.url, "tiny")
        assert token_pool(target) == ()
        assert {type(value) for value in server_version(target).values()} <= {str}
    for each in seen:
        assert each.exit_code in (0, 1, 2)
        assert "bug in orchestrate" not in each.stderr


def test_a_page_without_an_end() -> None:
    endless = body(b"x" * (PAGE_BYTES + 1), "text/plain")
    with (
        serving(Answer(), pages={"/health": endless}) as server,
        httpx.Client() as http,
        pytest.raises(httpx.DecodingError, match="more than 16 MiB"),
    ):
        ask_page(http, f"{server.url}/health")


def test_json_of_a_page() -> None:
    with serving(Answer()) as server, httpx.Client() as http:
        assert page_of_json(http, f"{server.url}/version") == {"version": "0.32.0"}
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            page_of_json(http, f"{server.url}/nothing")
