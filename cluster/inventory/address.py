"""Where SSH goes, as people write it: `user@host:port`, `[fd77::2]:22`, `ssh://host`; pure."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

FORM = "`host`, `user@host`, `host:port` or `[IPv6]:port`"
HOST = re.compile(r"[^\s@:/\[\],-][^\s@:/\[\],]*")


@dataclass(frozen=True)
class Place:
    """`user` and `port` are None where they are left out."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}" + (f":{self.port}" if self.port else "")


def place_of(text: str) -> Place:
    """Raises ValueError, in words, for what is no place."""
    user, at, rest = text.strip().removeprefix("ssh://").rpartition("@")
    host, port = split_port(rest)
    if not (HOST.fullmatch(host) or is_ipv6(host)) or (at and not user):
        raise ValueError(f"write it as {FORM}")
    return Place(host, user or None, port)


def split_port(text: str) -> tuple[str, int | None]:
    """An IPv6 address has colons of its own: only one in brackets can have a port."""
    if is_ipv6(text):
        return text, None
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", text)
    plain = re.fullmatch(r"([^:]*):(\d+)", text)
    found = bracketed or plain
    if found is None:
        return text, None
    port = int(found[2]) if found[2] else None
    if port is not None and not 1 <= port <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return found[1], port


def is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def places_of(text: str) -> tuple[Place, ...]:
    """The hosts of a proxy_jump in the order in which they are gone through; none for `none`."""
    if text.strip().lower() in ("", "none"):
        return ()
    return tuple(place_of(each) for each in text.split(","))
