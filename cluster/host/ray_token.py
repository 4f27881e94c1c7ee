"""The secret that Ray asks everybody for; one file a cluster on each of its hosts."""

from __future__ import annotations

from pathlib import Path

TOKEN_NAME = "ray-token"


def token_file(cluster: str) -> Path:
    return Path.home() / ".orchestrate" / cluster / TOKEN_NAME


def variables(file: str) -> dict[str, str]:
    """What makes Ray ask for the token in this file, and show it."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": file}


def environment(cluster: str) -> dict[str, str]:
    """What makes Ray show the token; nothing where the cluster was started without one."""
    file = token_file(cluster)
    return variables(str(file)) if file.exists() else {}


def header(cluster: str) -> dict[str, str]:
    """The same for HTTP."""
    try:
        return {"Authorization": f"Bearer {token_file(cluster).read_text().strip()}"}
    except (OSError, UnicodeDecodeError):
        return {}
