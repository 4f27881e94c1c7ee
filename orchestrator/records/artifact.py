"""artifacts/<verb>/<UTC time>-<recipe>/result.json: a result, and what it takes to repeat it."""

import json
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.whole_file import write_error, write_whole
from orchestrator.cli.render import to_jsonable
from orchestrator.records.provenance import Provenance

ROOT: Path = Path("artifacts")
RESULT_FORMAT = 1


def run_name(server: Provenance, moment: datetime) -> str:
    """What a run on this server is called: its UTC time, then the recipe or the served name."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", server.recipe or server.served_name).strip("-.")
    return f"{moment:%Y%m%dT%H%M%SZ}-{slug or 'model'}"


@dataclass(frozen=True)
class Artifact:
    """The folder of one run below the working directory, created at once.

    A verb that writes more than its result, such as samples, writes it into `folder`. A run that
    resumes an earlier one passes that run's folder as `within`.
    """

    verb: str
    provenance: Provenance
    seed: int | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    within: Path | None = None
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        """Raises OrchestrateError where the folder cannot be created."""
        if self.within:
            object.__setattr__(self, "folder", self.within)
            return
        name = run_name(self.provenance, self.started)
        object.__setattr__(self, "folder", fresh_folder(ROOT / self.verb, name))

    def write(self, result: Any) -> Path:
        """Writes atomically and returns the path of result.json; `result` is a frozen report."""
        record = {
            "format": RESULT_FORMAT,
            "verb": self.verb,
            "started": self.started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "command_line": ["orchestrate", *sys.argv[1:]],
            "seed": self.seed,
            "server": self.provenance,
            "result": result,
        }
        path = self.folder / "result.json"
        write_whole(path, json.dumps(record, indent=1, default=to_jsonable) + "\n")
        return path


def fresh_folder(parent: Path, name: str) -> Path:
    """parent/name, or name-2 and so on where several runs started in one second."""
    for number in range(1, 1000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise write_error(folder, error) from None
        return folder
    raise write_error(parent / name, OSError("too many runs in one second"))
