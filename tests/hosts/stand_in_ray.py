"""As much of Ray as orchestrate touches: a GCS that counts nodes, its client, and `ray start`.

Runs on the hosts as ray/_raylet.py. A node is alive for as long as its connection to the GCS is
open; nothing is scheduled.
"""

import argparse
import json
import os
import socket
import socketserver
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ALIVE = 0
LIMIT_S = 5.0
members: dict[str, bool] = {}  # address -> is the head


@dataclass(frozen=True)
class NodeInfo:
    """What the real client says of a node, as far as it is read."""

    node_manager_address: str
    is_head_node: bool
    state: int = ALIVE


class GcsClient:
    """Asks the GCS anew each time, as the real one raises when it is gone."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_all_node_info(self, timeout: float = LIMIT_S) -> dict[str, NodeInfo]:
        """Map a node's id to what is known of it."""
        connection = asked(self._address, {})
        with connection, connection.makefile() as answer:
            found = json.loads(answer.readline())
        return {address: NodeInfo(address, head) for address, head in found.items()}


class Gcs(socketserver.StreamRequestHandler):
    """One connection: a node that stays, or somebody who asks for the list."""

    def handle(self) -> None:
        request = json.loads(self.rfile.readline() or b"{}")
        if "join" not in request:
            self.wfile.write(json.dumps(members).encode() + b"\n")
            return
        members[request["join"]] = request["head"]
        self.wfile.write(b"welcome\n")
        self.rfile.read()
        del members[request["join"]]


class GcsServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Dashboard(BaseHTTPRequestHandler):
    """Answers /nodes?view=summary, whatever it is asked."""

    def do_GET(self) -> None:
        nodes = [{"raylet": {"nodeManagerAddress": a, "state": "ALIVE"}} for a in list(members)]
        body = json.dumps({"data": {"summary": nodes}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def asked(address: str, request: dict[str, object]) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), LIMIT_S)
    connection.sendall(json.dumps(request).encode() + b"\n")
    return connection


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ray", allow_abbrev=False)
    parser.add_argument("verb", choices=["start"])
    parser.add_argument("--head", action="store_true")
    for name in ("address", "node-ip-address", "temp-dir"):
        parser.add_argument(f"--{name}")
    for name in ("port", "dashboard-port"):
        parser.add_argument(f"--{name}", type=int)
    return parser.parse_known_args()[0]


def main() -> None:
    """`ray start --block`: join and stay until the GCS is gone."""
    chosen = options()
    address = chosen.address
    if chosen.head:
        os.makedirs(f"{chosen.temp_dir}/session_latest", exist_ok=True)
        address = f"{chosen.node_ip_address}:{chosen.port}"
        servers = (
            GcsServer((chosen.node_ip_address, chosen.port), Gcs),
            ThreadingHTTPServer(("127.0.0.1", chosen.dashboard_port), Dashboard),
        )
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = asked(address, {"join": chosen.node_ip_address, "head": chosen.head})
    print("Ray runtime started.", flush=True)
    connection.settimeout(None)
    while connection.recv(100):
        pass
    sys.exit("lost the GCS")
