"""models.lock for the model of a lab, with real hashes."""

from pathlib import Path

from orchestrator.models.lockfile import LockedFile, LockedModel, ModelsLock, write_lock
from tests.hosts.lab import Lab
from tests.testbed.programs import run


def lock_lab_model(lab: Lab, **more: LockedFile) -> None:
    """Write what is on the share as models.lock; config.json by git's id, as the hub does."""
    files = [hashed_file(path) for path in sorted(lab.model.iterdir())]
    entry = LockedModel(
        model="tiny", revision="main", commit="", locked="now", files=(*files, *more.values())
    )
    write_lock(lab.testbed.state / "models.lock", ModelsLock(models=(entry,)))


def hashed_file(path: Path) -> LockedFile:
    kind = "git-sha1" if path.name == "config.json" else "sha256"
    tool = f"git hash-object {path}" if kind == "git-sha1" else f"sha256sum {path}"
    said = run(["sh", "-c", tool]).stdout.split()[0]
    return LockedFile(path=path.name, size=path.stat().st_size, hash=f"{kind}:{said}")
