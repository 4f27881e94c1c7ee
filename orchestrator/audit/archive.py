"""A bundle as a file: a gzipped tar of regular files, the same bytes for the same content.

What is read is untrusted: only what `pack` writes is accepted, no extension of tar, and nothing
is written to the disk.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.units import MIB

LIMIT_BYTES = 512 * MIB  # of all content: a session of 300,000 tokens takes some 20 MB
LIMIT_FILES = 10_000
LIMIT_NAME = 200  # bytes; a tar header holds 255, less where no slash is near the middle
TAR_BLOCK = 512
TRUNCATED = "truncated: it ends in the middle"


class DamagedArchive(OrchestrateError):
    """The archive is not one that `pack` wrote."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(Problem(what, where, "get another copy from where it was made"))
        self.what = what


def pack(top: str, files: Mapping[str, bytes]) -> bytes:
    """The archive; every file is in the folder `top`. Raises OrchestrateError."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=out, mtime=0) as stream:
        for name, content in sorted(files.items()):
            stream.write(tar_header(f"{top}/{name}", len(content)))
            stream.write(content + bytes(-len(content) % TAR_BLOCK))
        stream.write(bytes(2 * TAR_BLOCK))
    return out.getvalue()


def tar_header(name: str, size: int) -> bytes:
    if wrong := name_problem(name):
        raise OrchestrateError(Problem(f"cannot be in a bundle: {wrong}", name, "rename it"))
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError as error:
        raise OrchestrateError(Problem(f"cannot be in a bundle: {error}", name)) from None


def name_problem(name: str) -> str:
    """Why an entry must not have this name; empty where it may."""
    parts = name.split("/")
    if name.startswith("/"):
        return "an absolute path"
    if {"", ".", ".."} & set(parts):
        return "a path that leads out of the folder"
    if not name.isprintable() or "\\" in name:
        return "a name with control characters or a backslash"
    if len(name.encode("utf-8", "replace")) > LIMIT_NAME:
        return f"a name of more than {LIMIT_NAME} bytes"
    return ""


def unpack(path: Path) -> tuple[str, dict[str, bytes]]:
    """The name of its one folder, and each file by its path in it.

    Raises DamagedArchive, and UsageError where the file cannot be read.
    """
    where = str(path)
    try:
        with gzip.open(path) as stream:
            return read_entries(InflatedArchive(stream, where), where)
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", where)) from None


def read_entries(stream: "InflatedArchive", where: str) -> tuple[str, dict[str, bytes]]:
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    left = LIMIT_BYTES
    while any(block := stream.take(TAR_BLOCK)):
        info = parse_entry(block, where)
        if info.name.casefold() in seen:
            raise DamagedArchive(f"{info.name!r} is in it twice", where)
        seen.add(info.name.casefold())
        left -= info.size
        if left < 0 or len(seen) > LIMIT_FILES:
            what = f"holds more than {LIMIT_BYTES // MIB} MiB, or than {LIMIT_FILES:,} files"
            raise DamagedArchive(what, where)
        found[info.name] = stream.take(info.size)
        stream.take(-info.size % TAR_BLOCK)
    stream.end()
    tops = {name.partition("/")[0] for name in found}
    if len(tops) != 1 or any("/" not in name for name in found):
        raise DamagedArchive("its files are not in one folder", where)
    [top] = tops
    return top, {name[len(top) + 1 :]: content for name, content in found.items()}


def parse_entry(block: bytes, where: str) -> tarfile.TarInfo:
    """A regular file with a harmless name. Raises DamagedArchive for all else."""
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise DamagedArchive(f"not a bundle: {error or 'not a tar archive'}", where) from None
    if wrong := name_problem(info.name):
        raise DamagedArchive(f"{info.name!r} is {wrong}", where)
    if info.type != tarfile.REGTYPE:
        kind = ENTRY_KINDS.get(info.type, f"an entry of type {info.type.decode('latin-1')!r}")
        raise DamagedArchive(f"{info.name!r} is {kind}; a bundle holds regular files only", where)
    if info.size < 0:
        raise DamagedArchive(f"{info.name!r} has a negative size", where)
    return info


ENTRY_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a named pipe",
}


class InflatedArchive:
    """The content of a gzip file, as many bytes as are asked for, never more."""

    def __init__(self, stream: gzip.GzipFile, where: str) -> None:
        self._stream, self._where = stream, where

    def take(self, size: int) -> bytes:
        """Raises DamagedArchive where there are fewer."""
        try:
            found = self._stream.read(size)
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DamagedArchive(f"corrupt, or not a gzip file: {error}", self._where) from None
        except EOFError:
            raise DamagedArchive(TRUNCATED, self._where) from None
        if len(found) < size:
            raise DamagedArchive(TRUNCATED, self._where)
        return found

    def end(self) -> None:
        """Raises DamagedArchive where more follows than the zeros that end a tar archive."""
        if any(self.take(TAR_BLOCK)):
            raise DamagedArchive("corrupt: the archive has no proper end", self._where)
        try:
            after = self._stream.read(MIB + 1)
        except EOFError:
            raise DamagedArchive("truncated: its checksum is missing", self._where) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            what = f"its checksum is wrong, or something follows the end of the archive: {error}"
            raise DamagedArchive(what, self._where) from None
        if any(after) or len(after) > MIB:
            raise DamagedArchive("something follows the end of the archive", self._where)
