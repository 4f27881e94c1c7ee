"""SHA256SUMS: the list over all files of a bundle, as `sha256sum -c` reads it; pure."""

import hashlib
import re
from collections.abc import Iterator, Mapping

LIST = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """A line a file, by name; names are printable and have no backslash, so none is escaped."""
    lines = (f"{sha256(files[name])}  {name}\n" for name in sorted(files) if name != LIST)
    return "".join(lines).encode()


def with_list(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**files, LIST: sums_of(files)}


def list_problems(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(file, what is wrong): the list against the files, both ways."""
    text = files.get(LIST)
    if text is None:
        yield LIST, "is not there: nothing says what the files were"
        return
    listed: dict[str, str] = {}
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None or match[2] in listed:
            yield f"{LIST}, line {number}", "is no line of sha256sum, or its file is listed twice"
            continue
        listed[match[2]] = match[1]
    for name in sorted(listed.keys() | (files.keys() - {LIST})):
        if name not in files:
            yield name, f"is in {LIST} and not in the bundle: it was removed"
        elif name not in listed:
            yield name, f"is in the bundle and not in {LIST}: it was added"
        elif listed[name] != sha256(files[name]):
            yield name, f"is not what {LIST} says: one of the two was changed"
