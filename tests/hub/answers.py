"""One request to the hub: which answer it gets, and how the bytes of a file are sent."""

import json
import re
import socket
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from tests.hub.faults import Fault
from tests.hub.repository import Blob, Repository

if TYPE_CHECKING:
    from tests.hub.server import Hub, Port

CHUNK = 1 << 16
REPO = r"(?P<repo>[^/]+(?:/[^/]+)?)"
ROUTES = tuple(
    (re.compile(f"^{pattern}$"), name)
    for pattern, name in (
        (f"/api/models/{REPO}", "info"),
        (f"/api/models/{REPO}/revision/(?P<revision>[^/]+)", "info"),
        (f"/api/models/{REPO}/tree/(?P<revision>[^/]+)", "tree"),
        (f"/api/models/{REPO}/refs", "refs"),
        (f"/api/models/{REPO}/auth-check", "check"),
        (f"/api/resolve-cache/models/{REPO}/(?P<revision>[^/]+)/(?P<path>.+)", "small"),
        (f"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
    )
)


class HubRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Port"

    def log_message(self, format: str, *args: Any) -> None:
        """The hub keeps what was asked; it prints nothing."""

    @property
    def hub(self) -> "Hub":
        return self.server.hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        from tests.hub.server import Asked

        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.note(Asked(self.command, path, headers, self.server.is_cdn))
        self.fault = self.hub.struck(self.command, path)
        if self.fault and self.fault.status:
            self.answer(self.fault.status, {"error": "a fault"}, self.fault.headers)
        elif self.server.is_cdn:
            blob = self.hub.blob(path.removeprefix("/cdn/"))
            if blob:
                self.send_blob(blob)
            else:
                self.answer(403, {})
        else:
            self.route(path)

    def route(self, path: str) -> None:
        matches = [(name, found) for pattern, name in ROUTES if (found := pattern.match(path))]
        for name, found in matches:
            parts = {key: unquote(text) for key, text in found.groupdict().items()}
            repository = self.hub.repositories.get(parts["repo"])
            if repository and not (repository.private and not self.token_is_good()):
                self.in_repository(repository, name, parts)
                return
        if matches:
            self.unknown_repository()
        else:
            self.answer(404, {"error": "Sorry, we can't find the page you are looking for."})

    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def token_is_good(self) -> bool:
        return self.token() in self.hub.tokens

    def unknown_repository(self) -> None:
        """As the hub: who is not logged in does not learn whether it exists."""
        token = self.token()
        if token and token not in self.hub.tokens | self.hub.strangers:
            said = "Invalid credentials in Authorization header"
            self.answer(401, {"error": said}, {"X-Error-Message": said})
        elif token:
            self.answer(404, {"error": "x"}, {"X-Error-Code": "RepoNotFound"})
        else:
            said = "Invalid username or password."
            self.answer(401, {"error": said}, {"X-Error-Code": "RepoNotFound"})

    def in_repository(self, repository: Repository, name: str, parts: Mapping[str, str]) -> None:
        if self.token() and self.token() not in self.hub.tokens | self.hub.strangers:
            self.unknown_repository()  # a token that nobody was given is refused everywhere
            return
        if name in ("check", "small", "resolve") and repository.gated and not self.token_is_good():
            status = 403 if self.token() else 401
            said = f"Access to model {repository.name} is restricted."
            self.answer(status, {"error": said}, {"X-Error-Code": "GatedRepo"})
            return
        if name in ("check", "refs"):
            self.answer(200, refs_of(repository) if name == "refs" else {})
            return
        commit = repository.resolve(parts.get("revision", "main"))
        if commit is None:
            self.answer(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        elif name == "info":
            self.answer(200, info_of(repository, commit, "blobs=" in self.path))
        elif name == "tree":
            files = repository.commits[commit].items()
            self.answer(200, [tree_entry(path, blob) for path, blob in files])
        else:
            self.file(repository, commit, parts["path"], name)

    def file(self, repository: Repository, commit: str, path: str, name: str) -> None:
        """Large files are sent on to the CDN, small ones to a cache on the hub, as there."""
        blob = repository.commits[commit].get(path)
        if blob is None:
            self.answer(404, {}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        etag = f'"{blob.etag}"'
        headers = {"X-Repo-Commit": commit, "ETag": etag}
        if name == "small":
            self.send_blob(blob, headers)
        elif blob.lfs:
            linked = {"X-Linked-Etag": etag, "X-Linked-Size": str(blob.size)}
            place = f"{self.hub.cdn_url}/cdn/{blob.sha256}?Expires=1&Signature=x"
            self.answer(302, {}, {**headers, **linked, "Location": place})
        else:
            place = f"/api/resolve-cache/models/{repository.name}/{commit}/{quote(path)}"
            self.answer(307, {}, {**headers, "Location": place})

    def answer(self, status: int, value: Any, headers: Mapping[str, str] = {}) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_blob(self, blob: Blob, headers: Mapping[str, str] = {}) -> None:
        start, stop = 0, blob.size
        given = self.headers.get("Range", "") if self.hub.takes_ranges else ""
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", given):
            start = int(asked[1])
            stop = min(blob.size, int(asked[2]) + 1) if asked[2] else blob.size
            if start >= blob.size:
                self.answer(416, {}, {"Content-Range": f"bytes */{blob.size}"})
                return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{blob.size}")
        for name, text in {**headers, "Accept-Ranges": "bytes"}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(blob, start, stop, self.fault or Fault(""))

    def send_body(self, blob: Blob, start: int, stop: int, fault: Fault) -> None:
        if fault.instead is not None:
            blob = Blob(fault.instead, blob.lfs)
        edge = start + fault.after if fault.drop or fault.hold else stop
        place = start
        while place < stop:
            if place >= edge:
                if fault.hold:
                    fault.hold.wait()
                if fault.drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                edge = stop
            data = blob.read(place, min(CHUNK, (edge if edge > place else stop) - place))
            self.wfile.write(data)
            self.hub.count(blob.etag, len(data))
            place += len(data)
            if fault.rate:
                time.sleep(len(data) / fault.rate)


def info_of(repository: Repository, commit: str, blobs: bool) -> dict[str, Any]:
    def sibling(path: str, blob: Blob) -> dict[str, Any]:
        if not blobs:
            return {"rfilename": path}
        large = {"sha256": blob.sha256, "size": blob.size, "pointerSize": 134} if blob.lfs else None
        entry = {"rfilename": path, "size": blob.size, "blobId": blob.git_sha1}
        return {**entry, "lfs": large} if large else entry

    return {
        "id": repository.name,
        "modelId": repository.name,
        "sha": commit,
        "private": repository.private,
        "gated": "manual" if repository.gated else False,
        "tags": [],
        "downloads": 0,
        "siblings": [sibling(path, blob) for path, blob in repository.commits[commit].items()],
    }


def tree_entry(path: str, blob: Blob) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": blob.size, "oid": blob.git_sha1}
    large = {"oid": blob.sha256, "size": blob.size, "pointerSize": 134}
    return {**entry, "lfs": large} if blob.lfs else entry


def refs_of(repository: Repository) -> dict[str, Any]:
    def listed(kind: str, known: Mapping[str, str]) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}
            for name, commit in known.items()
        ]

    branches, tags = listed("heads", repository.branches), listed("tags", repository.tags)
    return {"branches": branches, "tags": tags, "converts": []}
