"""A host's certificate: whether an authority says that the host is who it says; pure.

The fields are those of PROTOCOL.certkeys of OpenSSH.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

import paramiko
from paramiko.pkey import UnknownKeyType

from cluster.transport.known_hosts import matches

HOST = 2  # of the two kinds of certificate; 1 is a user's
SUFFIX = "-cert-v01@openssh.com"
NUMBERS = {"ssh-ed25519": 1, "ssh-rsa": 2}  # parts of a public key; an ECDSA key has two


@dataclass(frozen=True)
class Certificate:
    authority: bytes
    is_host: bool
    principals: tuple[str, ...]
    after: int
    before: int
    critical: bytes
    signed: bytes
    signature: bytes

    def speaks_for(self, host: str, authorities: Collection[bytes], now: float) -> bool:
        """One of these authorities says so, for this name and this time."""
        return (
            self.authority in authorities
            and self.is_host
            and not self.critical
            and self.after <= now < self.before
            and any(matches(each.lower(), host) for each in self.principals)
            and self.is_signed()
        )

    def is_signed(self) -> bool:
        kind = paramiko.Message(self.authority).get_text()
        try:
            key = paramiko.PKey.from_type_string(kind, self.authority)
            return bool(key.verify_ssh_sig(self.signed, paramiko.Message(self.signature)))
        except (paramiko.SSHException, UnknownKeyType, ValueError):
            return False


def certificate_of(blob: bytes) -> Certificate | None:
    """None for a plain key."""
    read = paramiko.Message(blob)
    kind = read.get_text()
    if not kind.endswith(SUFFIX):
        return None
    read.get_binary()  # the nonce
    for _ in range(NUMBERS.get(kind.removesuffix(SUFFIX), 2)):
        read.get_binary()
    read.get_int64()  # the serial number
    is_host = read.get_int() == HOST
    read.get_text()  # its name, for a log
    principals = strings(read.get_binary())
    after, before = read.get_int64(), read.get_int64()
    critical = read.get_binary()
    read.get_binary()  # extensions
    read.get_binary()  # reserved
    authority = read.get_binary()
    signed = blob[: len(blob) - len(read.get_remainder())]
    signature = read.get_binary()
    return Certificate(authority, is_host, principals, after, before, critical, signed, signature)


def strings(packed: bytes) -> tuple[str, ...]:
    read, found = paramiko.Message(packed), []
    while read.get_remainder():
        found.append(read.get_text())
    return tuple(found)


def is_certified(key: paramiko.PKey, host: str, authorities: Collection[bytes]) -> bool:
    """Whether the key that a host showed came with a certificate that counts."""
    shown = key.public_blob
    found = certificate_of(shown.key_blob) if shown and authorities else None
    return found is not None and found.speaks_for(host, authorities, time.time())
