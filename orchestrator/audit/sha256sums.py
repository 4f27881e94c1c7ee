"""SHA256SUMS: the list of all files of a bundle, as `sha256sum -c` reads it; pure."""

import hashlib
import re
from collections.abc import Iterator, Mapping

SUMS_FILE = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256sums(files: Mapping[str, bytes]) -> bytes:
    """A line for each file; names are printable and have no backslash, so none is escaped."""
    lines = (f"{sha256(files[name])}  {name}\n" for name in sorted(files) if name != SUMS_FILE)
    return "".join(lines).encode()


def with_sums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**files, SUMS_FILE: sha256sums(files)}


def sums_problems(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(file, problem): compares the list with the files, in both directions."""
    text = files.get(SUMS_FILE)
    if text is None:
        yield SUMS_FILE, "is missing: nothing says what the files were"
        return
    listed: dict[str, str] = {}
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None or match[2] in listed:
            yield (
                f"{SUMS_FILE}, line {number}",
                "is not a line of sha256sum, or lists a file twice",
            )
            continue
        listed[match[2]] = match[1]
    for name in sorted(listed.keys() | (files.keys() - {SUMS_FILE})):
        if name not in files:
            yield name, f"is in {SUMS_FILE} and not in the bundle: it was removed"
        elif name not in listed:
            yield name, f"is in the bundle and not in {SUMS_FILE}: it was added"
        elif listed[name] != sha256(files[name]):
            yield name, f"does not match {SUMS_FILE}: one of the two was changed"
