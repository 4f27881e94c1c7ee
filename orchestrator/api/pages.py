"""One page of a server, such as /health: whole, and limited in time and bytes; sends no prompt."""

import time
from typing import Any

import httpx

from orchestrator.api.answer_json import read_json

PAGE_LIMIT_S = 10.0
PAGE_BYTES = 16 << 20  # the longest is /tokenize of a prompt as long as a context


def ask_page(http: httpx.Client, path: str, *, json: Any = None) -> httpx.Response:
    """GET, or POST with `json`; the answer's text is UTF-8, whatever its header says.

    Raises httpx.HTTPError where no whole answer came.
    """
    method = "GET" if json is None else "POST"
    end, body = time.monotonic() + PAGE_LIMIT_S, bytearray()
    with http.stream(method, path, json=json, timeout=PAGE_LIMIT_S) as response:
        for received in response.iter_bytes():
            body += received
            if time.monotonic() > end:
                raise httpx.ReadTimeout(f"no whole page within {PAGE_LIMIT_S:g} s")
            if len(body) > PAGE_BYTES:
                raise httpx.DecodingError(f"a page of more than {PAGE_BYTES >> 20} MiB")
        return httpx.Response(response.status_code, content=bytes(body), request=response.request)


def page_of_json(http: httpx.Client, path: str, *, json: Any = None) -> Any:
    """What a page of HTTP 200 holds. Raises httpx.HTTPError, ValueError."""
    return read_json(ask_page(http, path, json=json).raise_for_status().content)
