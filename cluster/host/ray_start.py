"""`ray start`, quicker and with fewer open doors; lies in the service's folder and runs there.

Words: as for `ray`. What it changes, all measured with Ray 2.60 on 2026-11-21:
- no Ray client server: its port 10001 is open to the network and collides with another Ray's;
- the command line's serve, state and job commands are not imported: 0.98 s of CPU become 0.40 s;
- the dashboard and the log monitor start beside everything else and give way to it: nobody waits
  for them, while Ray itself starts the head's node only after the dashboard has answered;
- a worker waits here for the head, since Ray itself would retry for 14 minutes and, where only the
  head's raylet is missing, look again every 2 s;
- each node's agent is Ray's minimal one: without the job agent (port 52365), its gRPC server and
  its metrics, which answer on every interface, the metrics to everybody. The dashboard's metrics
  (port 44227) stay away too. What is left asks for the token: decision 0011.
"""

from __future__ import annotations

import gc
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

UNUSED = ("ray.serve.scripts", "ray.util.state.state_cli", "ray.dashboard.modules.job.cli")
SIGN = ".orchestrate"  # in our folder: whose it is, for a teardown that finds nothing else
POLL_S = 0.05
ALIVE = 0
POLITE = 5  # niceness of what nobody waits for
FEWER_LISTENERS = {
    "RAY_enable_metrics_collection": "0",
    "DASHBOARD_METRIC_PORT": "-1",  # there is no "none": Ray logs the failure
}


def without_client_server(parameters: Any, is_head: bool) -> None:
    """Ray calls this with its parameters before it starts anything."""
    parameters.ray_client_server_port = None


class Steady(dict):  # type: ignore[type-arg]
    """May grow in one thread while another goes through its items."""

    def items(self) -> Any:
        return list(super().items())


def in_background(start: Callable[..., None]) -> Callable[..., None]:
    """A method of Ray's Node that starts a process, made to return at once."""

    def started(node: Any, **options: Any) -> None:
        node.all_processes = Steady(node.all_processes)

        def run() -> None:
            os.setpriority(os.PRIO_PROCESS, 0, POLITE)  # of this thread, and of what it starts
            start(node, **options)
            threading.Event().wait()  # Linux ends a child with the thread that started it

        threading.Thread(target=run, daemon=True).start()

    return started


class MinimalAgent(threading.local):
    """While this thread starts the raylet, Ray believes that the agent's packages are missing."""

    wanted = False

    def around(self, start_raylet: Callable[..., Any]) -> Callable[..., Any]:
        def started(*words: Any, **options: Any) -> Any:
            self.wanted = True
            try:
                return start_raylet(*words, **options)
            finally:
                self.wanted = False

        return started

    def instead_of(self, dependency_error: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: ImportError("not wanted") if self.wanted else dependency_error()


def own_folder(path: str) -> None:
    """A folder that only we may enter. Ends the program where another user was first: its name
    can be guessed, and Ray opens all that it makes to everybody.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            sys.exit(
                f"{path} is a link, or belongs to uid {found.st_uid}: Ray does not start there"
            )
        os.chmod(path, 0o700)
    os.makedirs(os.path.join(path, "tmp"), mode=0o700, exist_ok=True)
    with open(os.path.join(path, SIGN), "w") as sign:
        sign.write(os.environ.get("ORCHESTRATE_SERVICE", ""))


def await_head(address: str, limit_s: float) -> None:
    """Until the head's node is alive. Ends the program with the reason when it never is."""
    host, _, port = address.rpartition(":")
    deadline, why = time.monotonic() + limit_s, "no answer"
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), 2).close()
            if head_is_alive(address):
                return
            why = "Ray's head node is not alive"
        except OSError as error:
            why = error.strerror or "no answer"
        time.sleep(POLL_S)
    sys.exit(f"cannot reach Ray's head {address} from this host within {limit_s:g} s: {why}")


def head_is_alive(address: str) -> bool:
    from ray._raylet import GcsClient  # type: ignore[attr-defined, unused-ignore]

    try:
        nodes = GcsClient(address=address).get_all_node_info(timeout=5).values()
    except Exception:  # Ray has a kind of its own for each way of not being there
        return False
    return any(node.is_head_node and node.state == ALIVE for node in nodes)


if __name__ == "__main__":
    own_folder(os.environ["ORCHESTRATE_RAY_FOLDER"])
    # multiprocessing of killed processes leaves its folders behind: they go with this one
    os.environ.setdefault("TMPDIR", os.path.join(os.environ["ORCHESTRATE_RAY_FOLDER"], "tmp"))
    gc.disable()  # a sixth of the time that the imports take; this process only waits afterwards
    for module in UNUSED:
        sys.modules[module] = None  # type: ignore[assignment]
    from ray._private import services, utils
    from ray._private.node import Node
    from ray.scripts.scripts import main

    minimal = MinimalAgent()
    services.start_raylet = minimal.around(services.start_raylet)
    utils.get_dashboard_dependency_error = minimal.instead_of(utils.get_dashboard_dependency_error)
    os.environ.update(FEWER_LISTENERS)
    Node.start_api_server = in_background(Node.start_api_server)
    Node.start_log_monitor = in_background(Node.start_log_monitor)
    for word in sys.argv:
        if word.startswith("--address="):
            await_head(word.partition("=")[2], float(os.environ["ORCHESTRATE_HEAD_LIMIT_S"]))
    os.environ["RAY_START_HOOK"] = "__main__.without_client_server"
    sys.argv[0] = "ray"
    main()
