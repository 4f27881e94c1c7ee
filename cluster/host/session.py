"""What a service inherits from an SSH session: its limits, and what logind does at the logout."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Any

# systemd's own order: a later file of the same name hides an earlier one, a later setting wins
CONFIG_FOLDERS = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
YES = ("1", "yes", "true", "on")


def limits() -> dict[str, list[int | None]]:
    """[soft, hard]; None is unlimited."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "memlock": resource.RLIMIT_MEMLOCK}
    return {
        name: [
            None if each == resource.RLIM_INFINITY else each for each in resource.getrlimit(kind)
        ]
        for name, kind in kinds.items()
    }


def logind(user: str) -> dict[str, Any]:
    """`tracked`: logind counts this SSH session, so the end of it may be the user's logout."""
    settings = logind_settings()
    return {
        "systemd": os.path.isdir("/run/systemd/system"),
        "tracked": "XDG_SESSION_ID" in os.environ,
        "linger": os.path.exists(f"/var/lib/systemd/linger/{user}"),
        "remove_ipc": settings.get("RemoveIPC", "yes").lower() in YES,  # systemd's default
        "kill_processes": settings.get("KillUserProcesses", "no").lower() in YES,
    }


def logind_settings() -> dict[str, str]:
    main: list[Path] = [Path(folder) / "logind.conf" for folder in CONFIG_FOLDERS]
    extra: dict[str, Path] = {}
    for folder in CONFIG_FOLDERS:
        extra.update((path.name, path) for path in Path(folder).glob("logind.conf.d/*.conf"))
    found: dict[str, str] = {}
    for path in [each for each in main if each.exists()][-1:] + [extra[n] for n in sorted(extra)]:
        with contextlib.suppress(OSError):
            for line in path.read_text(errors="replace").splitlines():
                name, equals, value = line.strip().partition("=")
                if equals and name in ("RemoveIPC", "KillUserProcesses"):
                    found[name] = value.strip()
    return found
