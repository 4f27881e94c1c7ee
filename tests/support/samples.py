"""Files of samples for tests, line by line as `orchestrate sample` writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

SETTINGS = {
    "target_tokens": 6,
    "chunk_max_tokens": 1024,
    "temperature": 0.7,
    "top_p": 0.95,
    "seed": 424242,
    "concurrency": 1,
}


def header(server: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    return {
        "record": "header",
        "schema": "orchestrate-samples",
        "format": 1,
        "started": "2026-11-21T12:00:00+00:00",
        "settings": {**SETTINGS, **settings},
        "reference": True,
        "prompts_from": "built in",
        "prompts_sha256": "e" * 64,
        "prompts": [[{"role": "user", "content": "hello"}]],
        "server": dict(server),
    }


def chunk(index: int, token_ids: Sequence[int]) -> dict[str, Any]:
    return {
        "record": "chunk",
        "index": index,
        "seed": 424242 + index,
        "messages": [{"role": "user", "content": "hello"}],
        "finish_reason": "stop",
        "token_ids": list(token_ids),
        "logprobs": [-1.0] * len(token_ids),
        "timing": {"started": 0.0, "total_s": 1.0},
    }


def content_of(*lines: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
