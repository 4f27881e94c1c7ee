"""known_hosts as ssh reads it, line by line; what cannot be read stands for nothing. Pure."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import Literal

Verdict = Literal["known", "unknown", "changed", "revoked"]
REVOKED, AUTHORITY = "@revoked", "@cert-authority"
HASHED = "|1|"


@dataclass(frozen=True)
class Line:
    """`hosts` as it is written: names, patterns, or one name as a hash."""

    marker: str
    hosts: str
    kind: str
    key: bytes

    def names(self, host: str) -> bool:
        """Whether it is about a host, written in lower case as `name` or `[name]:port`."""
        if self.hosts.startswith(HASHED):
            return is_hash_of(self.hosts, host)
        patterns = self.hosts.lower().split(",")
        refused = any(matches(each[1:], host) for each in patterns if each.startswith("!"))
        return not refused and any(matches(each, host) for each in patterns)


def matches(pattern: str, host: str) -> bool:
    """* and ? are ssh's only signs; brackets are those of `[name]:port`."""
    return re.match(translate(pattern.replace("[", "[[]")), host) is not None


def is_hash_of(text: str, host: str) -> bool:
    try:
        salt, hashed = (base64.b64decode(each) for each in text[len(HASHED) :].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.digest(salt, host.encode(), hashlib.sha1), hashed)


def line_of(text: str) -> Line | None:
    """None for an empty line, a comment and what is no key."""
    fields = text.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", REVOKED, AUTHORITY):
        return None
    hosts, kind, key = fields[:3]
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return None
    size = int.from_bytes(blob[:4], "big")
    return Line(marker, hosts, kind, blob) if blob[4 : 4 + size] == kind.encode() else None


@dataclass(frozen=True)
class KnownHosts:
    """The lines of all files, of the system's too."""

    lines: tuple[Line, ...] = ()

    def about(self, host: str, marker: str = "") -> tuple[Line, ...]:
        return tuple(each for each in self.lines if each.marker == marker and each.names(host))

    def kinds(self, host: str) -> tuple[str, ...]:
        """Of the keys that are known; ssh asks the host for one of these first."""
        return tuple(dict.fromkeys(each.kind for each in self.about(host)))

    def is_revoked(self, host: str, key: bytes) -> bool:
        return any(each.key == key for each in self.about(host, REVOKED))

    def authorities(self, host: str) -> tuple[bytes, ...]:
        """Public keys whose certificates prove that it is the host."""
        return tuple(each.key for each in self.about(host, AUTHORITY))

    def verdict(self, host: str, kind: str, key: bytes) -> Verdict:
        """A key of a kind that the file has none of is unknown, not changed. As with ssh, a key
        that is known under the plain name is known on every port.
        """
        if self.is_revoked(host, key):
            return "revoked"
        lines = self.about(host)
        if any(each.key == key for each in lines):
            return "known"
        if any(each.kind == kind for each in lines):
            return "changed"
        plain = re.fullmatch(r"\[(.+)\]:\d+", host)
        if plain and not lines and self.verdict(plain[1], kind, key) in ("known", "revoked"):
            return self.verdict(plain[1], kind, key)
        return "unknown"


def read_known_hosts(files: Iterable[Path]) -> KnownHosts:
    """Nothing of a file that is not there. Raises OSError for one that we may not read."""
    return KnownHosts(tuple(line for file in files for line in read_lines(file)))


def read_lines(file: Path) -> Sequence[Line]:
    try:
        text = file.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ()
    return [line for each in text.splitlines() if (line := line_of(each))]
