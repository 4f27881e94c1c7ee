"""Say whenever the number of live Ray nodes changes, until all wanted ones are alive.

Runs in the host's virtual environment: the one program here that needs Ray.
Input: {"address", "wanted": [addresses], "timeout_s", "cluster": whose token is shown to Ray};
closing the input ends it.
Output, one JSON value a line: {"alive": [addresses]}; the last one has all that are wanted, or
{"problem": text}.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any

from cluster.host import ray_token

POLL_S = 0.1
ALIVE = 0


def main(request: dict[str, Any]) -> None:
    os.environ.update(ray_token.environment(request["cluster"]))
    from ray._raylet import GcsClient  # type: ignore[attr-defined, unused-ignore]

    deadline, said, why = time.monotonic() + request["timeout_s"], None, "no answer"
    client = None
    while time.monotonic() < deadline:
        try:
            client = client or GcsClient(address=request["address"])
            nodes = client.get_all_node_info().values()
            alive = sorted(node.node_manager_address for node in nodes if node.state == ALIVE)
        except Exception as error:  # Ray has a kind of its own for each way of not being there
            client, alive, why = None, [], str(error)
        if alive != said:
            print(json.dumps({"alive": alive}), flush=True)
            said = alive
        if set(request["wanted"]) <= set(alive):
            return
        if select.select([sys.stdin], [], [], POLL_S)[0]:
            return
    print(json.dumps({"problem": why if not said else f"only {', '.join(said)} joined"}))
