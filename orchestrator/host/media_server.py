"""Serves the files of one folder on loopback, to be fetched by the model server of the same host.

Lies in the service's folder and runs there. Words: PORT FOLDER; the folder is made where it is
missing. GET and HEAD, single ranges, no listing. Nothing outside the folder, no hidden name and
nothing behind a symbolic link is ever opened: each part of a path is opened inside the folder
before it, without following links, so that there is no moment between looking and opening.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import MimeTypes
from urllib.parse import unquote_to_bytes

ADDRESS = "127.0.0.1"
CHUNK = 1 << 18
SILENCE_LIMIT_S = 60  # of a client that neither sends nor takes anything
TYPES = MimeTypes(filenames=())  # not what the host thinks of a suffix
for suffix, kind in (
    (".webp", "image/webp"),
    (".avif", "image/avif"),
    (".mkv", "video/x-matroska"),
    (".webm", "video/webm"),
    (".ogg", "audio/ogg"),
    (".flac", "audio/flac"),
):
    TYPES.add_type(kind, suffix)
RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class NotServed(Exception):
    """There is no such file, or it is none of this server's business."""


def parts_of(target: str) -> list[bytes]:
    """A request's path as names, split before it is decoded: a coded slash stays in a name."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        raise NotServed(target)
    names = [unquote_to_bytes(part) for part in path[1:].split("/")]
    for name in names:
        if not name or name.startswith(b".") or b"/" in name or b"\0" in name:
            raise NotServed(target)
    return names


def open_inside(folder: str, names: list[bytes]) -> int:
    """A descriptor of the regular file. Raises NotServed."""
    where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, name in enumerate(names):
            last = number == len(names) - 1
            kind = os.O_NONBLOCK if last else os.O_DIRECTORY  # a pipe must not block us
            inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=where)
            os.close(where)
            where = inner
        if not stat.S_ISREG(os.fstat(where).st_mode):
            raise NotServed
    except OSError as error:
        os.close(where)
        raise NotServed from error
    except NotServed:
        os.close(where)
        raise
    return where


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole file, as for what is no single
    range. Raises ValueError for one that the file does not have.
    """
    found = RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise ValueError(header)
    return start, end


class MediaServer(ThreadingHTTPServer):
    """On loopback; port 0 takes a free one."""

    def __init__(self, port: int, folder: str) -> None:
        self.folder = folder
        super().__init__((ADDRESS, port), FileHandler)


class FileHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_LIMIT_S
    server_version, sys_version = "orchestrate-media", ""
    server: MediaServer

    def do_GET(self) -> None:
        try:
            file = open_inside(self.server.folder, parts_of(self.path))
        except (NotServed, OSError):
            self.refuse(HTTPStatus.NOT_FOUND)
            return
        with os.fdopen(file, "rb", buffering=0) as content:
            self.answer(content.fileno())

    do_HEAD = do_GET

    def answer(self, file: int) -> None:
        about = os.fstat(file)
        size, tag = about.st_size, f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        changed = formatdate(about.st_mtime, usegmt=True)
        marks = {"ETag": tag, "Last-Modified": changed, "Accept-Ranges": "bytes"}
        if self.knows(tag, changed):
            self.start(HTTPStatus.NOT_MODIFIED, marks)
            return
        wanted = None
        if self.headers.get("If-Range", tag) in (tag, changed):
            try:
                wanted = range_of(self.headers.get("Range", ""), size)
            except ValueError:
                self.refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"bytes */{size}")
                return
        start, end = wanted or (0, size)
        marks["Content-Type"] = (
            TYPES.guess_type(self.path.partition("?")[0])[0] or "application/octet-stream"
        )
        marks["Content-Length"] = str(end - start)
        if wanted:
            marks["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.start(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK, marks)
        if self.command == "GET":
            self.send(file, start, end)

    def knows(self, tag: str, changed: str) -> bool:
        """Whether the client has this very file."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or tag in [
                each.strip().removeprefix("W/") for each in tags.split(",")
            ]
        with contextlib.suppress(TypeError, ValueError):
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
            return parsedate_to_datetime(changed) <= since
        return False

    def send(self, file: int, start: int, end: int) -> None:
        while start < end:
            sent = os.sendfile(self.connection.fileno(), file, start, min(CHUNK, end - start))
            if not sent:  # the file became shorter: the client must not wait for the rest
                self.close_connection = True
                return
            start += sent

    def refuse(self, status: HTTPStatus, content_range: str = "") -> None:
        marks = {"Content-Length": "0"}
        if content_range:
            marks["Content-Range"] = content_range
        self.start(status, marks)

    def start(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """One line a request; what a client sent is shown so that it cannot forge another."""
        print(self.log_date_time_string(), *(ascii(each) for each in args), flush=True)


def main() -> None:
    port, folder = int(sys.argv[1]), os.path.expanduser(sys.argv[2])
    os.umask(0o077)  # makedirs gives its mode to the last folder only
    os.makedirs(folder, exist_ok=True)
    server = MediaServer(port, folder)
    print(f"serving {folder} at http://{ADDRESS}:{port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
