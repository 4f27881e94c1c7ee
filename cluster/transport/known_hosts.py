"""A known_hosts file as ssh reads it: lines with a marker are no keys of hosts."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import paramiko

REVOKED = "@revoked"  # paramiko takes a marker for the name of a host


@dataclass(frozen=True)
class KnownHosts:
    """`keys` are of hosts; `revoked` are never accepted, whoever shows them.

    Certificates are not understood: a host that is known by its authority alone is unknown.
    """

    keys: paramiko.HostKeys
    revoked: frozenset[str] = frozenset()

    def is_revoked(self, key: paramiko.PKey) -> bool:
        return key.get_base64() in self.revoked


def read_known_hosts(file: Path) -> KnownHosts:
    """Nothing where there is no file. Raises paramiko's InvalidHostKey for a damaged line."""
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return KnownHosts(paramiko.HostKeys())
    fields = [line.split() for line in lines]
    revoked = {each[3] for each in fields if each[:1] == [REVOKED] and len(each) > 3}
    plain = "\n".join(line for line in lines if not line.lstrip().startswith("@"))
    with tempfile.NamedTemporaryFile("w", errors="surrogateescape") as copy:  # paramiko reads files
        copy.write(plain + "\n")
        copy.flush()
        return KnownHosts(paramiko.HostKeys(copy.name), frozenset(revoked))
