"""Asks everybody for the API key, on every path but /health: vLLM by itself guards /v1 alone.

An ASGI middleware; lies in the service's folder, and vLLM imports it by `--middleware`. The key
comes from the environment. Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

OPEN = ("/health",)
KEY = "VLLM_API_KEY"
REFUSAL = json.dumps(
    {"error": {"message": "no valid API key", "type": "invalid_request_error", "code": 401}}
).encode()


class Guard:
    """Knows only a hash of the key, and compares in constant time."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.expected = hashed(f"Bearer {os.environ[KEY]}".encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.may_pass(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})

    def may_pass(self, scope: Any) -> bool:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN:
            return True
        return any(
            self.opens(value) for name, value in scope["headers"] if name == b"authorization"
        )

    def opens(self, value: bytes) -> bool:
        return hmac.compare_digest(hashed(value), self.expected)


def hashed(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
