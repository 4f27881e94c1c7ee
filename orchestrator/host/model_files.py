"""Find a model in the cache and list its files.

Input: {"cache", "folder": below the cache or absolute, "on_hub": whether it is a repository of the
hub's cache, "revision"}.
Output: {"path", "files": [[name, bytes]], "config": config.json or null, "problem"}.
Links of the hub cache are followed: a link without its blob counts as missing.
"""

from __future__ import annotations

import json
import os
from typing import Any

from orchestrator.host import shard_names

CONFIGS = ("config.json", "params.json")  # the second is Mistral's own format


def main(request: dict[str, Any]) -> None:
    path = find(request)
    answer: dict[str, Any] = {"path": path, "files": [], "config": None, "problem": ""}
    if not os.path.isdir(path):
        answer["problem"] = "missing"
    else:
        answer["files"], broken = listing(path)
        answer["problem"], answer["config"] = problem_with(path, answer["files"], broken)
    print(json.dumps(answer))


def find(request: dict[str, Any]) -> str:
    cache, revision = os.path.expanduser(request["cache"]), request["revision"]
    folder: str = os.path.join(cache, os.path.expanduser(request["folder"]))
    if not request["on_hub"]:
        return folder
    try:
        with open(os.path.join(folder, "refs", revision)) as file:
            revision = file.read().strip()
    except OSError:
        pass  # a commit is its own name
    return os.path.join(folder, "snapshots", revision)


def listing(path: str) -> tuple[list[list[Any]], list[str]]:
    files, broken = [], []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            full = os.path.join(folder, name)
            try:
                files.append([os.path.relpath(full, path), os.stat(full).st_size])
            except OSError:
                broken.append(os.path.relpath(full, path))
    return sorted(files), sorted(broken)


def problem_with(path: str, files: list[list[Any]], broken: list[str]) -> tuple[str, Any]:
    """(what is wrong, config.json or params.json)."""
    if broken:
        return "links without their file: " + ", ".join(broken[:3]), None
    names = {name for name, _ in files}
    name = next((each for each in CONFIGS if each in names), CONFIGS[0])
    try:
        with open(os.path.join(path, name)) as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        return f"{name} cannot be read ({error})", None
    return weights_problem(path, names), config


def weights_problem(path: str, names: set[str]) -> str:
    """By the index, where there is one, else by what the names say of others."""
    index = os.path.join(path, "model.safetensors.index.json")
    if os.path.exists(index):
        try:
            with open(index) as file:
                lost = sorted(set(json.load(file)["weight_map"].values()) - names)
        except (OSError, ValueError, KeyError) as error:
            return f"{os.path.basename(index)} cannot be read ({error})"
    else:
        lost = shard_names.missing_shards(names)
    if lost:
        return f"{len(lost)} weight files are missing, as {lost[0]}"
    if not any(name.endswith((".safetensors", ".bin", ".gguf")) for name in names):
        return "no weights"
    return ""
