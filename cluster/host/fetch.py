"""One file by HTTP, appended to what is there of it; pieces are asked for again until it is whole.

Knows no layout and prints nothing: `Source` is where from, `Sink` where to and whom to tell.
"""

from __future__ import annotations

import errno
import http.client
import io
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.host import retry_pause

PIECE = 1 << 30  # bytes of one request: a CDN gives no more than 50 GB, and its addresses expire
CHUNK = 1 << 18
PAUSE_LIMIT_S = 300  # for one file: the hub counts its questions over five minutes


class Failed(Exception):
    """What a person has to know; `kind` selects the words."""

    def __init__(self, kind: str, **about: Any) -> None:
        super().__init__(kind)
        self.said = {"failed": kind, **about}


class Again(Exception):
    """It may go better the next time, after the pause that the server asks for."""

    def __init__(self, why: str, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.pause_s = pause_s


class SameOrigin(urllib.request.HTTPRedirectHandler):
    """A token goes to the server that was asked, never on to its CDN."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        known = 307 if code == 308 else code  # Python before 3.11 knows no 308
        new = super().redirect_request(req, fp, known, msg, headers, newurl)
        if new is not None and origin(newurl) != origin(req.full_url):
            new.remove_header("Authorization")
        return new

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


def origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


class Source:
    """A server, the token for it, how long it may be silent, the first pause after a fault."""

    def __init__(self, endpoint: str, token: str, silence_s: float, pause_s: float = 1.0) -> None:
        self.endpoint, self.silence_s, self.pause_s = endpoint, silence_s, pause_s
        self.headers = {"User-Agent": "orchestrate"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.opener = urllib.request.build_opener(SameOrigin)

    def opened(self, path: str, start: int, stop: int) -> Any:
        """The answer to a question for these bytes. Raises Again or Failed."""
        url = f"{self.endpoint}/{urllib.parse.quote(path)}"
        headers = {**self.headers, "Range": f"bytes={start}-{stop - 1}"}
        try:
            wanted = urllib.request.Request(url, headers=headers)
            return self.opener.open(wanted, timeout=self.silence_s)
        except urllib.error.HTTPError as error:
            raise self.judged(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise Again(reason_of(error)) from None

    def judged(self, error: urllib.error.HTTPError) -> Exception:
        with error:
            status, code = error.code, error.headers.get("X-Error-Code", "")
            rate_limit, retry_after = (
                error.headers.get(name, "") for name in ("RateLimit", "Retry-After")
            )
        if status == 429:
            named_s = retry_pause.named_pause(rate_limit, retry_after)
            return Again("too many requests (429)", named_s)
        if retry_pause.may_pass(status) or origin(error.url) != origin(self.endpoint):
            return Again(f"error {status}")
        return Failed("refused", status=status, code=code)


def reason_of(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no byte in time"
    return f"{reason}" or type(reason).__name__


@dataclass
class Sink:
    """A file without a buffer, the hash of what is in it, whom to tell of bytes and of pauses."""

    file: io.FileIO
    digest: Any
    count: Callable[[int], None]
    waits: Callable[[str, float], None]

    def keep(self, data: bytes) -> None:
        """Raises Failed when the disk is full: that is no fault of the network."""
        left = memoryview(data)
        try:
            while left:
                left = left[self.file.write(left) :]
        except OSError as error:
            raise as_failed(error) from None
        self.digest.update(data)
        self.count(len(data))


def as_failed(error: OSError) -> Failed:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Failed("full" if full else "files", why=str(error))


def fetch(source: Source, path: str, size: int, sink: Sink) -> None:
    """Fill the file up to `size` bytes. Raises Failed when the server gives no more."""
    tries, waited = 0, 0.0
    while sink.file.tell() < size:
        before = sink.file.tell()
        try:
            fetch_piece(source, path, size, sink)
        except Again as again:
            tries = 1 if sink.file.tell() > before else tries + 1
            pause_s = retry_pause.next_pause(tries, again.pause_s, source.pause_s)
            if pause_s is None or waited + pause_s > PAUSE_LIMIT_S:
                raise Failed("hub", why=str(again)) from None
            waited += pause_s
            sink.waits(str(again), pause_s)
            time.sleep(pause_s)


def fetch_piece(source: Source, path: str, size: int, sink: Sink) -> None:
    start = sink.file.tell()
    stop = min(size, start + PIECE)
    with source.opened(path, start, stop) as answer:
        skip = start if answer.status == 200 else 0  # it takes no notice of ranges
        while sink.file.tell() < stop:
            try:
                chunk = answer.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise Again(reason_of(error)) from None
            if not chunk:
                raise Again("the connection broke")
            sink.keep(chunk[skip:][: size - sink.file.tell()])
            skip = max(0, skip - len(chunk))
