"""Which nodes Ray counts alive, asked on the head: from the dashboard, else from the GCS itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.host import ray_token, storage

DASHBOARD_LIMIT_S = 2
GCS_LIMIT_S = 8
ASK_GCS = """
import json, sys
from ray._raylet import GcsClient
nodes = GcsClient(address=sys.argv[1]).get_all_node_info(timeout=5).values()
print(json.dumps([{"address": n.node_manager_address, "alive": n.state == 0} for n in nodes]))
"""


def ray_nodes(request: dict[str, Any], venv: Path, *, head_runs: bool) -> list[Any] | None:
    """[{"address", "alive"}], or None where there is no answer.

    The dashboard answers in milliseconds, but starts seconds after the rest and may be gone; the
    GCS needs an import of Ray (0.4 s).
    """
    if not head_runs:
        return None
    found = from_dashboard(request["dashboard_port"], ray_token.header(request["cluster"]))
    if found is not None:
        return found
    return from_gcs(request["gcs"], venv, ray_token.environment(request["cluster"]))


def from_dashboard(port: int, headers: dict[str, str]) -> list[Any] | None:
    import urllib.request  # 14 ms that only a head pays

    url = f"http://127.0.0.1:{port}/nodes?view=summary"
    asked = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=DASHBOARD_LIMIT_S) as answer:
            summary = json.load(answer)["data"]["summary"]
        return [
            {"address": raylet["nodeManagerAddress"], "alive": raylet["state"] == "ALIVE"}
            for raylet in (node["raylet"] for node in summary)
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def from_gcs(address: str, venv: Path, env: dict[str, str]) -> list[Any] | None:
    words = ["env", *(f"{name}={value}" for name, value in env.items())]
    words += [str(venv / "bin/python"), "-c", ASK_GCS, address]
    code, out = storage.Child(storage.run_words(words)).finish(GCS_LIMIT_S)
    lines = out.splitlines()
    try:
        return list(json.loads(lines[-1])) if code == 0 and lines else None
    except ValueError:
        return None
