"""The models that are made on the hosts: what each will be like, and what its making needs."""

import base64
import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from orchestrator.host import make_tiny

TALKS = resources.files("orchestrator.models") / "tiny_talks"  # what scripts/talks writes


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
    config: Mapping[str, Any] = json.loads((TALKS / "config.json").read_text("utf-8"))
    return config


def talks_files() -> list[Traversable]:
    return sorted((each for each in TALKS.iterdir() if each.is_file()), key=lambda file: file.name)
