"""The user's files for a bundle: samples, and results given by path."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cluster.errors import Problem, UsageError
from cluster.units import MIB
from orchestrator.audit.archive import LIMIT_BYTES
from orchestrator.audit.schema import ADDED, SAMPLES


def read_attachments(samples: Sequence[Path], added: Sequence[Path]) -> dict[str, bytes]:
    """Contents by name in the bundle. Raises UsageError for all but readable, regular files."""
    found: dict[str, bytes] = {}
    left = LIMIT_BYTES
    named = [(SAMPLES, path, path) for path in samples]
    named += [(ADDED, path, file) for path in added for file in files_under(path)]
    for prefix, path, file in named:
        name = prefix + name_in_bundle(path, file)
        if name in found:
            what = f"two files would have the name {name} in the bundle"
            raise UsageError(Problem(what, str(file), "rename one of them, or give it once"))
        content = read_attachment(file, left)
        found[name], left = content, left - len(content)
    return found


def name_in_bundle(given: Path, file: Path) -> str:
    """The parent folder of the given path, then the path: results keep their verb and time."""
    whole = Path(os.path.abspath(given))
    below = file.relative_to(given).as_posix()
    return "/".join(
        part for part in (whole.parent.name, whole.name, below) if part not in ("", ".")
    )


def files_under(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = sorted(each for each in path.rglob("*") if each.is_symlink() or not each.is_dir())
    if not files:
        raise UsageError(Problem("holds no files", str(path), "leave it out"))
    yield from files


def read_attachment(path: Path, left: int) -> bytes:
    """Regular files alone: a pipe would block, a link may lead anywhere."""
    try:
        if path.is_symlink() or not path.is_file():
            what = "is a link" if path.is_symlink() else "no such file"
            raise UsageError(Problem(what, str(path), "give the file itself"))
        if path.stat().st_size > left:
            what = f"a bundle holds {LIMIT_BYTES // MIB} MiB at most"
            raise UsageError(Problem(what, str(path), "leave large files out"))
        return path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None
