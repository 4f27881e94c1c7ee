"""Where a model's files lie in a cache, and how they come there from the staging folder.

In the hub cache a snapshot is a folder of links to blobs; a blob may itself be a link into a store
that several repositories share, and is then replaced by a file of its own. A model that no hub
knows is a plain folder. Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from orchestrator.host import safe_names

LAST = "config.json"  # without it no folder counts as a model: it leaves first and comes last


class Goal:
    """The places of one model on this host."""

    def __init__(self, request: dict[str, Any]) -> None:
        cache = os.path.expanduser(request["cache"])
        folder = os.path.join(cache, os.path.expanduser(request["folder"])).rstrip("/")
        self.files = request["files"]
        self.refs = request["refs"]
        self.commit = request["commit"]
        self._require_safe_names(request["on_hub"])
        self.anchor, name = os.path.split(folder)
        if request["on_hub"]:
            self.repository = folder
            self.final = f"{self.repository}/snapshots/{self.commit}"
            self.staging = f"{self.repository}/.orchestrate-sync"
        else:
            self.final = folder
            self.staging = f"{self.anchor}/.orchestrate-sync-{name}"

    def _require_safe_names(self, on_hub: bool) -> None:
        """What another host has said comes through the controller, and becomes a path here."""
        for file in self.files:
            safe_names.require(safe_names.is_blob(file["blob"]), file["blob"])
            for path in file["paths"]:
                safe_names.require(safe_names.is_safe_path(path), path)
        for name, commit in self.refs.items():
            safe_names.require(safe_names.is_safe_path(name), name)
            safe_names.require(safe_names.is_commit(commit), commit)
        if on_hub:
            safe_names.require(safe_names.is_commit(self.commit), self.commit)

    def path(self, index: int) -> str:
        """Where the bytes of a file belong."""
        file = self.files[index]
        if file["blob"]:
            return f"{self.repository}/blobs/{file['blob']}"
        return f"{self.final}/{file['paths'][0]}"

    def size(self, index: int) -> int:
        """What lies there, links followed; -1 for nothing."""
        try:
            return os.stat(self.path(index)).st_size
        except OSError:
            return -1

    def place(self, parts: dict[int, str]) -> None:
        """Move the parts to their places: blobs, then the snapshot, then the refs."""
        for index in parts:
            if self.files[index]["blob"]:
                moved(parts[index], self.path(index))
        loose = {i: part for i, part in parts.items() if not self.files[i]["blob"]}
        fresh = not os.path.isdir(self.final)
        root = f"{self.staging}/snapshot" if fresh else self.final
        if fresh:
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
        held = f"{self.staging}/held"
        if loose and os.path.exists(f"{root}/{LAST}"):
            os.replace(f"{root}/{LAST}", held)
        self._fill(root, loose)
        if os.path.lexists(held) and not os.path.lexists(f"{root}/{LAST}"):
            os.replace(held, f"{root}/{LAST}")
        if fresh:
            os.makedirs(os.path.dirname(self.final), exist_ok=True)
            os.rename(root, self.final)
        for name, commit in self.refs.items():
            written(f"{self.repository}/refs/{name}", commit)
        shutil.rmtree(self.staging)

    def _fill(self, root: str, loose: dict[int, str]) -> None:
        names = [(path, index) for index, file in enumerate(self.files) for path in file["paths"]]
        for path, index in sorted(names, key=lambda pair: pair[0] == LAST):
            if self.files[index]["blob"]:
                linked(self.path(index), f"{root}/{path}", f"{self.final}/{path}")
            elif index in loose:
                moved(loose[index], f"{root}/{path}")


def moved(part: str, path: str) -> None:
    """In place of whatever is there; on the disk before it has its name."""
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.replace(part, path)


def linked(blob: str, link: str, final: str) -> None:
    """A relative link, as it shall read at its final place."""
    target = os.path.relpath(blob, os.path.dirname(final))
    if os.path.islink(link) and os.readlink(link) == target:
        return
    os.makedirs(os.path.dirname(link), exist_ok=True)
    fresh = link + ".new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, link)


def written(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)
