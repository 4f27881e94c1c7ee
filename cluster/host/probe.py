"""All facts of a host as one JSON value, in one round trip.

Input: {"cluster", "node", "venv", "cache", "ports", "head_service": Ray's head on this host or "",
"dashboard_port", "gcs": its address}.
Whatever may hang (the driver, a network mount) runs in a child with a deadline and is never waited
for beyond it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from cluster.host import gpus, masking, network, ray_view, services, storage

PACKAGES = {
    "ray": "ray",
    "vllm": "vllm",
    "torch": "torch",
    "transformers": "transformers",
    "nvidia_nccl_cu12": "nccl",
    "nvidia_nccl_cu13": "nccl",
    "nvidia_cuda_runtime_cu12": "cuda",
    "nvidia_cuda_runtime": "cuda",  # since CUDA 13
    "flashinfer_python": "flashinfer",
    "triton": "triton",
    "tokenizers": "tokenizers",
}
RECORDS = ("spec.json", "pid", "exit.json")


def main(request: dict[str, Any]) -> None:
    print(json.dumps(facts(request)))


def facts(request: dict[str, Any]) -> dict[str, Any]:
    driver = storage.Child(storage.run_words(gpus.WORDS)) if on_path(gpus.WORDS[0]) else None
    cache = storage.start_look(request["cache"])
    venv = Path(os.path.expanduser(request["venv"]))
    cluster, node = request["cluster"], request["node"]
    unread: dict[str, str] = {}
    surveyed = "worker_ports" in request

    fact = functools.partial(guarded_fact, unread)
    marked = fact("marks", {}, services.marked, cluster)
    found: dict[str, Any] = {
        **identity(),
        "memory": memory(),
        "interfaces": fact("interfaces", [], network.interfaces),
        "ports": fact("ports", [], lambda: network.owners(request["ports"], marked=surveyed)),
        "services": fact("services", [], our_services, cluster, node, marked),
        "strays": fact("strays", {}, strays, cluster, node, marked),
        "logs": fact("logs", [], in_folders, services.node_folder(cluster, node), "log"),
        "folders": fact("folders", [], ray_folders, cluster),
        "venv": str(venv),
        "versions": fact("versions", {}, versions, venv),
        "disk_free": {path: free_bytes(path) for path in (str(Path.home()), "/tmp", "/dev/shm")},
    }
    runs = any(
        each["name"] == request["head_service"] and each["alive"] for each in found["services"]
    )
    found["ray_nodes"] = fact(
        "ray_nodes", None, lambda: ray_view.ray_nodes(request, venv, head_runs=runs)
    )
    absent = {"path": request["cache"], "hangs": False, "exists": False}
    found["cache"] = fact("cache", absent, storage.finish_look, cache, request["cache"])
    found.update(fact("gpus", {"gpus": [], "driver_problem": ""}, gpus.found, driver))
    return {**found, "unread": unread}


def identity() -> dict[str, Any]:
    return {
        "hostname": socket.gethostname(),
        "home": str(Path.home()),
        "user": user_name(os.getuid()),
        "uid": os.getuid(),
        "machine": os.uname().machine,
        "kernel": os.uname().release,
        "time": time.time(),
        "cores": os.cpu_count(),
    }


def guarded_fact(
    unread: dict[str, str], name: str, otherwise: Any, call: Callable[..., Any], *words: Any
) -> Any:
    """What `call` says; where it cannot, `otherwise`, and why in `unread`: one fact that cannot be
    read must not take the host away.
    """
    try:
        return call(*words)
    except Exception as error:
        what = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        where = getattr(error, "filename", None)
        unread[name] = (f"{where}: {what}" if where else what)[:300]
        return otherwise


def ray_folders(cluster: str, folders: str = "/tmp") -> list[str]:
    """Of Ray in /tmp, made for this cluster by our user: cluster.host.ray_start signs them."""
    found = []
    for path in sorted(Path(folders).glob("ray-*")):
        with contextlib.suppress(OSError):
            stat = path.lstat()
            ours = S_ISDIR(stat.st_mode) and stat.st_uid == os.getuid()
            if ours and read_text(path / ".orchestrate").startswith(f"{cluster}/"):
                found.append(str(path))
    return found


def on_path(program: str) -> bool:
    folders = os.environ.get("PATH", os.defpath).split(":")
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders)


def user_name(uid: int) -> str:
    import pwd

    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def memory() -> dict[str, int]:
    """Bytes. On unified memory this is the GPU's memory too."""
    wanted = {"MemTotal": "total", "MemAvailable": "available", "Cached": "cached"}
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in wanted:
            found[wanted[name]] = int(rest.split()[0]) * 1024
    return found


def free_bytes(path: str) -> int | None:
    with contextlib.suppress(OSError):
        stat = os.statvfs(path)
        return stat.f_bavail * stat.f_frsize
    return None


def versions(venv: Path) -> dict[str, str]:
    """Read from the folder names of the installed packages: nothing is imported. Raises OSError
    where we may not look.
    """
    found: dict[str, str] = {}
    try:  # a link of uv's may lead to where we may not enter: that is no missing folder
        os.stat(venv / "bin" / "python")
    except (FileNotFoundError, NotADirectoryError):
        return found
    sites = sorted(venv.glob("lib/python3*/site-packages"))
    if not sites:
        return found
    found["python"] = sites[0].parent.name.replace("python", "")
    for line in read_text(venv / "pyvenv.cfg").splitlines():
        if line.replace(" ", "").startswith("version="):
            found["python"] = line.partition("=")[2].strip()
    for folder in os.listdir(sites[0]):
        name, _, rest = folder.partition("-")
        if name in PACKAGES and rest.endswith(".dist-info"):
            found[PACKAGES[name]] = rest[: -len(".dist-info")]
    return found


def read_text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def our_services(cluster: str, node: str, marked: dict[int, str]) -> list[dict[str, Any]]:
    folder = services.node_folder(cluster, node)
    alive: dict[str, list[int]] = {}
    for pid, mark in services.below(f"{cluster}/{node}", marked).items():
        alive.setdefault(mark.rpartition("/")[2], []).append(pid)
    names = set(in_folders(folder, "spec.json")) | set(alive)
    found = [one_service(folder / name, sorted(alive.get(name, []))) for name in sorted(names)]
    for each in found:
        each["env"] = masking.env_shown(each["env"])
        each["words"] = list(masking.argv_shown(each["words"]))
    return found


def in_folders(folder: Path, name: str) -> list[str]:
    """The folders that hold a file of this name; none where we may not look."""
    with contextlib.suppress(OSError):
        return sorted(path.parent.name for path in folder.glob(f"*/{name}"))
    return []


def strays(cluster: str, node: str, marked: dict[int, str]) -> dict[str, list[int]]:
    """Processes of this very cluster under another node's name: it may have been renamed."""
    found: dict[str, list[int]] = {}
    known = services.cluster_id(cluster)
    for pid, mark in marked.items():
        away = mark.count("/") == 2 and not mark.startswith(f"{cluster}/{node}/")
        if away and known and services.signs_of(pid)[1] == known:
            found.setdefault(mark, []).append(pid)
    return found


def one_service(folder: Path, pids: list[int]) -> dict[str, Any]:
    """A record that was damaged says nothing; the processes and the log still do."""
    spec = services.read_record(folder / "spec.json")
    started = spec.get("started")
    words, exited = spec.get("words"), services.read_record(folder / "exit.json")
    return {
        "name": folder.name,
        "alive": services.supervisor_of(folder) is not None and not exited,
        "pids": pids,
        "stopped": services.stopped(pids),
        "age_s": time.time() - started if isinstance(started, (int, float)) else None,
        "words": [str(each) for each in words] if isinstance(words, list) else [],
        "env": {str(key): str(value) for key, value in table(spec.get("env")).items()},
        "about": table(spec.get("about")),
        "exit": exited or None,
        "last_lines": last_lines(folder / "log", 12),
        "damaged": [name for name in RECORDS if is_damaged(folder / name)],
    }


def table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def is_damaged(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.exists() and not services.read_record(path)
    return True


def last_lines(path: Path, count: int) -> list[str]:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return file.read().decode(errors="replace").splitlines()[-count:]
    return []
