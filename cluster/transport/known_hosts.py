"""A known_hosts file as ssh reads it: lines with a marker are no keys of hosts."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import paramiko

CERT_AUTHORITY, REVOKED = "@cert-authority", "@revoked"  # paramiko takes them for names of hosts


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
    marked = [line.strip() for line in lines if line.lstrip().startswith("@")]
    revoked = {re.split(r"\s+", line)[3] for line in marked if is_revocation(line)}
    plain = "\n".join(line for line in lines if not line.lstrip().startswith("@"))
    with tempfile.NamedTemporaryFile("w", errors="surrogateescape") as copy:  # paramiko reads files
        copy.write(plain + "\n")
        copy.flush()
        return KnownHosts(paramiko.HostKeys(copy.name), frozenset(revoked))


def is_revocation(line: str) -> bool:
    return line.startswith(REVOKED) and len(re.split(r"\s+", line)) > 3
