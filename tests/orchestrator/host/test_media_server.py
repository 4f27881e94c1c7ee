"""What the media server gives, and what it never opens."""

import os
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from orchestrator.host.media_server import MediaServer, NotServed, parts_of, range_of

BODY = bytes(range(256)) * 4
SECRET = b"nobody may read this"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, and every road out of the folder that a file system knows."""
    outside, made = tmp_path / "outside", tmp_path / "media"
    outside.mkdir()
    (outside / "secret.png").write_bytes(SECRET)
    (made / "deep").mkdir(parents=True)
    (made / "a b.png").write_bytes(BODY)
    (made / "deep/film.mp4").write_bytes(BODY)
    (made / ".hidden.png").write_bytes(SECRET)
    (made / "link.png").symlink_to(outside / "secret.png")
    (made / "inner.png").symlink_to("a b.png")
    (made / "way").symlink_to(outside)
    (made / "empty.png").touch()
    os.mkfifo(made / "pipe.png")
    return made


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with MediaServer(0, str(folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=sent)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_a_file_with_all_that_says_what_it_is(port: int, folder: Path) -> None:
    answer, body = ask(port, "/a%20b.png?version=2")
    assert (answer.status, body) == (200, BODY)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"]
    assert answer.headers["Last-Modified"].endswith("GMT")
    film, body = ask(port, "/deep/film.mp4")
    assert (film.headers["Content-Type"], body) == ("video/mp4", BODY)
    head, nothing = ask(port, "/a%20b.png", "HEAD")
    assert (head.status, head.headers["Content-Length"], nothing) == (200, "1024", b"")
    assert ask(port, "/empty.png")[1] == b""


def test_an_unknown_suffix_is_bytes(port: int, folder: Path) -> None:
    (folder / "page.unheard").write_bytes(b"<html>")
    assert ask(port, "/page.unheard")[0].headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=1000-", 206, 1000, 1024),
        ("bytes=1000-9999", 206, 1000, 1024),
        ("bytes=-24", 206, 1000, 1024),
        ("bytes=-9999", 206, 0, 1024),
        ("bytes=0-1,5-6", 200, 0, 1024),
        ("bytes=5-1", 200, 0, 1024),
        ("bytes=-", 200, 0, 1024),
        ("pages=1-2", 200, 0, 1024),
    ],
)
def test_ranges(wanted: str, status: int, start: int, end: int, port: int) -> None:
    answer, body = ask(port, "/deep/film.mp4", Range=wanted)
    assert (answer.status, body) == (status, BODY[start:end])
    shown = f"bytes {start}-{end - 1}/1024" if status == 206 else None
    assert answer.headers["Content-Range"] == shown


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_ranges_that_the_file_does_not_have(wanted: str, port: int) -> None:
    answer, body = ask(port, "/deep/film.mp4", Range=wanted)
    assert (answer.status, answer.headers["Content-Range"], body) == (416, "bytes */1024", b"")


def test_what_the_client_knows_is_not_sent_again(port: int, folder: Path) -> None:
    tag = ask(port, "/a%20b.png")[0].headers["ETag"]
    changed = ask(port, "/a%20b.png")[0].headers["Last-Modified"]
    for headers in ({"If_None_Match": f'"x", {tag}'}, {"If_Modified_Since": changed}):
        answer, body = ask(port, "/a%20b.png", **headers)
        assert (answer.status, body) == (304, b"")
    same, part = ask(port, "/a%20b.png", Range="bytes=0-3", If_Range=tag)
    assert (same.status, part) == (206, BODY[:4])
    os.utime(folder / "a b.png", ns=(0, 1))
    assert ask(port, "/a%20b.png", If_None_Match=tag)[0].status == 200
    other, whole = ask(port, "/a%20b.png", Range="bytes=0-3", If_Range=tag)
    assert (other.status, whole) == (200, BODY)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/deep",
        "/deep/",
        "/../outside/secret.png",
        "/deep/../../outside/secret.png",
        "/%2e%2e/outside/secret.png",
        "/.%2e/outside/secret.png",
        "/deep/..%2f..%2foutside%2fsecret.png",
        "/%2e%2e%2foutside%2fsecret.png",
        "/..%5c..%5coutside%5csecret.png",
        "/%252e%252e/outside/secret.png",
        "/deep%2ffilm.mp4",
        "/a%20b.png%00.jpg",
        "/.hidden.png",
        "/%2ehidden.png",
        "/link.png",
        "/inner.png",
        "/way/secret.png",
        "/pipe.png",
        "/a%20b.png/deep",
        "/" + "x" * 300,
        "a%20b.png",
        "/nothing.png",
        "/\\..\\outside\\secret.png",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_served(path: str, method: str, port: int) -> None:
    answer, body = ask(port, path, method)
    assert (answer.status, body) == (404, b"")


def test_absolute_paths_and_addresses(port: int, tmp_path: Path) -> None:
    outside = str(tmp_path / "outside/secret.png")
    for path in (outside, "/" + outside, outside.replace("/", "%2f"), f"file://{outside}"):
        assert ask(port, path)[0].status == 404, path
    assert ask(port, f"http://127.0.0.1:{port}/a%20b.png")[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT"])
def test_it_only_gives(method: str, port: int) -> None:
    assert ask(port, "/a%20b.png", method)[0].status == 501


def test_a_folder_that_becomes_a_link_leads_nowhere(port: int, folder: Path) -> None:
    """However often the folder and a link change places, what is outside never comes."""
    over, seen = threading.Event(), set()

    def swap() -> None:
        while not over.is_set():
            (folder / "deep").rename(folder / "real")
            (folder / "deep").symlink_to(folder.parent / "outside")
            (folder / "deep").unlink()
            (folder / "real").rename(folder / "deep")

    (folder.parent / "outside/film.mp4").write_bytes(SECRET)
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(300):
            seen.add(ask(port, "/deep/film.mp4")[1])
    finally:
        over.set()
        thread.join()
    assert seen <= {b"", BODY}


def test_a_long_file_comes_whole(port: int, folder: Path) -> None:
    content = os.urandom(3 << 20)
    (folder / "long.mp4").write_bytes(content)
    assert ask(port, "/long.mp4")[1] == content


def test_the_log_cannot_be_forged(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    ask(port, "/%0aforged")
    assert capfd.readouterr().out.count("\n") == 1


def test_the_pure_parts() -> None:
    assert parts_of("/a%20b/c.png?x=/..") == [b"a b", b"c.png"]
    assert range_of("bytes=0-0", 1) == (0, 1)
    assert range_of("", 5) is None
    with pytest.raises(ValueError, match="bytes=0-"):
        range_of("bytes=0-", 0)
    with pytest.raises(NotServed):
        parts_of("*")
