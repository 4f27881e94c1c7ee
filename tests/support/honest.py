"""Hosts that answer every verb as they should: what each program says, as JSON."""

import json
from typing import Any

from cluster.inventory.node import Node
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from orchestrator.models.lockfile import LockedFile, LockedModel
from tests.support.factory import config_of, entry, gpu, service, survey, whole
from tests.support.scripted import END, HttpStream, Script

CONFIG = config_of(entry(1), entry(2))
HEAD = CONFIG.head
ABOUT = {"host": "127.0.0.1", "port": 8200, "served_name": "tiny", "gpus": {"h1": 1, "h2": 1}}
SERVICE = Service("test", "vllm-tiny", HEAD, Command(("vllm",)), labels=ABOUT)
ENTRY = LockedModel(
    model="org/m",
    revision="main",
    commit="c" * 40,
    locked="now",
    files=(LockedFile(path="w", size=5, hash="sha256:" + "a" * 64),),
)
HELD = {"cluster.host.hold": [{"held": True}, END]}
COMPLETION = json.dumps({"choices": [{"text": "x"}], "usage": {"completion_tokens": 1}})
COUNTED = {"counters": {"got": 1, "sent": 1, "hashed": 1}}


def facts(node: Node, request: Any) -> Any:
    """A host with all that a host can have."""
    up = {host.node.name: host for host in whole(CONFIG).hosts}[node.name]
    mine = service("vllm-tiny", about=ABOUT, env={"A": "1"})
    more = {"services": (*up.services, mine), "gpus": (gpu(), gpu(1)), "survey": survey()}
    return up.model_copy(update=more).model_dump(mode="json", exclude={"node"})


def with_strays(node: Node, request: Any) -> Any:
    return {**facts(node, request), "strays": {"test/old/ray-worker": (7, 8)}}


def nonce(node: Node, request: Any) -> Any:
    said = {"text": request["request"]["text"] and "another"}
    return {"hangs": False, "code": 0, "out": json.dumps(said)}


def gone(node: Node, request: Any) -> Any:
    return {"stopped": {request["marks"][0]: 3}, "killed": ["x"], "left": {}, "kept": []}


def cluster_script() -> Script:
    way = {"source": "10.0.0.1", "ports": {"6379": "open", "20000": "dropped"}, "mtu": 9000}
    ports = [[6379, "fixed", "held"], [20000, "range", "open"]]
    paths = [{"ports": ports, "udp": 1}, {"peers": {"h1": way, "h2": way}}, END]
    alive = [{"alive": ["10.0.0.1"]}, {"alive": ["10.0.0.1", "10.0.0.2"]}, END]
    return Script(
        answers={
            "cluster.host.probe": with_strays,
            "cluster.host.survey": facts,
            "cluster.host.guarded": nonce,
            "cluster.host.stop": gone,
            "cluster.host.launch": lambda node, request: {"pid": 7},
            "cluster.host.get": lambda node, request: {"text": None},
            "cluster.host.put": lambda node, request: {"bytes": 7},
        },
        talks={"cluster.host.path_check": paths, "cluster.host.ray_nodes": alive, **HELD},
        dialled=lambda: HttpStream(200, COMPLETION),
    )


FOLLOW = "cluster.host.follow"
STARTS = [{"line": "INFO:     Application startup complete."}, {"line": "x"}]
LOG = {FOLLOW: [*STARTS, {"exit": {"code": 0, "reason": "ended", "at": 0}}, END]}

FOUND = {"path": "w", "real": "/w", "size": 5, "named": "", "problem": ""}
HASHED = {"file": "w", "size": 5, "sha256": "a" * 64, "git_sha1": ""}
HASHES = [
    *({"found": [FOUND], "cores": 2, "hashing": 1, "bytes": 5}, {"bytes": 5}, HASHED),
    *({"end": True}, END),
]

PLAN = {"files": 1, "left": 5, "resumed": 1, "total": 6}
DOWNLOADED = {"files": 1, "bytes": 5, "seconds": 0.1, "path": "/m/"}
PULLED = [
    *({"start": PLAN}, {"waits": "busy", "pause_s": 1.0}, {"done": 5}, {"file": "w", "done": 5}),
    *({"end": DOWNLOADED}, END),
]

COPY = [
    *({"hello": "h1"}, {"seen": ["h1"]}, {"ready": True, "port": 7, "missing": 5, "free": 1 << 40}),
    *(COUNTED, {"lost": "h2", "why": "reset"}, {"refused": "10.0.0.9"}, {"hashed": [0, "x"]}),
    *({"forgot": [0]}, {"placed": True}, {"last": COUNTED["counters"]}, {"error": "full"}, END),
]

FILE = {"path": "w", "size": 5, "blob": "a" * 64, "mtime_ns": 1}
SNAPSHOT = json.dumps({"files": [FILE, {**FILE, "path": "v"}], "refs": {"main": "c" * 40}})

RUN = {"run": 1, "port": 7, "bits_per_s": 1e9, "busy": 0.5}
TCP = {"cluster.host.bandwidth": [{"ib_write_bw": False}, RUN, RUN, END]}

GUARDED_SNAPSHOT = {"hangs": False, "code": 0, "out": SNAPSHOT}
SNAPSHOTS = Script(answers={"cluster.host.guarded": lambda node, request: GUARDED_SNAPSHOT})
