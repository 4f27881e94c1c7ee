"""Run code that touches a file system which may hang, and give up on it after a limit.

Input: {"sources": [[module, text]], the last with a main(request), "request", "limit_s"}.
Output: {"hangs": bool, "code": exit code, "out": text}.
"""

from __future__ import annotations

import json
from typing import Any

from cluster.host import storage


def main(request: dict[str, Any]) -> None:
    child = storage.Child(storage.run_modules(request["sources"], request["request"]))
    code, out = child.finish(request["limit_s"])
    print(json.dumps({"hangs": code is None, "code": code, "out": out}))
