"""A repository as the hub keeps it: commits, branches, tags; large files as LFS. Knows no HTTP."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

LFS_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pt", ".pth")  # as in the hub's .gitattributes
CHUNK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """One file's content, in memory or in a file that nobody changes."""

    source: bytes | Path
    lfs: bool

    @cached_property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    @cached_property
    def sha256(self) -> str:
        return self._digest(hashlib.sha256())

    @cached_property
    def git_sha1(self) -> str:
        return self._digest(hashlib.sha1(b"blob %d\0" % self.size))

    @property
    def etag(self) -> str:
        """What the hub calls it, and the name of its file below blobs/ in the cache."""
        return self.sha256 if self.lfs else self.git_sha1

    def read(self, start: int, size: int) -> bytes:
        if isinstance(self.source, bytes):
            return self.source[start : start + size]
        with self.source.open("rb") as file:
            file.seek(start)
            return file.read(size)

    def _digest(self, digest: Any) -> str:
        for start in range(0, self.size, CHUNK):
            digest.update(self.read(start, CHUNK))
        text: str = digest.hexdigest()
        return text


@dataclass
class Repository:
    """`gated`: files need a token that was granted access; `private`: all answers need it."""

    name: str
    gated: bool = False
    private: bool = False
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_folder(cls, name: str, folder: Path, *, gated: bool = False) -> "Repository":
        """Every file below the folder, in one commit on main."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {path.relative_to(folder).as_posix(): path for path in paths}
        return cls(name, gated=gated).commit(files)

    def commit(self, files: Mapping[str, bytes | Path], *, branch: str = "main") -> "Repository":
        """Put exactly these files on the branch, as a new commit."""
        made = {path: Blob(data, path.endswith(LFS_SUFFIXES)) for path, data in files.items()}
        listed = [f"{path} {blob.etag}" for path, blob in sorted(made.items())]
        parent = self.branches.get(branch, "")
        text = "\n".join([self.name, branch, parent, *listed])
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha] = made
        self.branches[branch] = sha
        return self

    @property
    def head(self) -> str:
        """The commit of main."""
        return self.branches["main"]

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch, a tag, or a commit itself."""
        known = {**self.tags, **self.branches}
        return known.get(revision) or (revision if revision in self.commits else None)
