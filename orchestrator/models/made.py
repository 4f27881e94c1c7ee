"""The models that are made on the hosts: what each will be like, and what its making needs."""

import base64
import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from orchestrator.host import make_tiny

TALKS = "tiny_talks"  # the folder beside this file that scripts/talks writes


def making_request(made: str, path: str) -> dict[str, Any]:
    """What orchestrator/host/make_<made>.py is told: the folder to write, and what goes in."""
    if made == "tiny":
        return {"path": path}
    contents = {each.name: each.read_bytes() for each in talks_files()}
    files = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    return {"path": path, "files": files}


def made_config(made: str) -> Mapping[str, Any]:
    """Its config.json."""
    if made == "tiny":
        return make_tiny.CONFIG
    found = next(each for each in talks_files() if each.name == "config.json")
    config: Mapping[str, Any] = json.loads(found.read_text("utf-8"))
    return config


def talks_files() -> list[Traversable]:
    folder = resources.files("orchestrator.models") / TALKS
    return sorted((each for each in folder.iterdir() if each.is_file()), key=lambda file: file.name)
