"""Run code that touches a file system which may hang, and give up on it after a limit.

Input: {"name": of a program that was sent beside this one, "request", "limit_s"}.
Output: {"hangs": bool, "code": exit code, "out": text}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cluster.host import storage


def main(request: dict[str, Any]) -> None:
    run = sys.modules[request["name"]].main
    child = storage.Child(storage.run_main(run, request["request"]))
    code, out = child.finish(request["limit_s"])
    print(json.dumps({"hangs": code is None, "code": code, "out": out}))
