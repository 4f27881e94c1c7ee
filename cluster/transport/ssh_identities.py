"""The keys that we offer to a host, in ssh's order: files of ~/.ssh, the agent's, certificates."""

import base64
import binascii
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob, UnknownKeyType

from cluster.transport.ssh_certificate import SUFFIX
from cluster.transport.ssh_options import Options


@dataclass(frozen=True)
class Offer:
    """A key, with a certificate or plain."""

    key: paramiko.PKey
    certificate: PublicBlob | None = None


@dataclass
class Offers:
    """`locked` want a passphrase; `public` are halves that no agent has the other of; `damaged`
    cannot be read. All of them were asked for and could not be used.
    """

    offers: list[Offer] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    public: list[Path] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


class Agent(AgentSSH):
    """The one at a socket: paramiko's own knows only SSH_AUTH_SOCK."""

    def __init__(self, path: str, limit_s: float) -> None:
        super().__init__()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.settimeout(limit_s)
        try:
            conn.connect(path)
            self._connect(conn)  # type: ignore[attr-defined]  # the stubs leave it out
        except BaseException:
            conn.close()
            raise

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


def agent_at(path: str, limit_s: float) -> Agent | None:
    """None where nobody listens, or who does is no agent: ssh goes on without it too."""
    if path:
        with suppress(OSError, paramiko.SSHException, ValueError):
            return Agent(path, limit_s)
    return None


def offers_of(options: Options, agent: Sequence[AgentKey]) -> Offers:
    """As ssh: of the agent's keys those first that a file names, then all others (none with
    IdentitiesOnly), then the files; nodes.toml's key_file before all. A missing file is no fault.
    """
    found = Offers()
    held = {key.blob: key for key in agent}
    by_file: dict[Path, paramiko.PKey] = {}
    for path in options.identity_files:
        with suppress(FileNotFoundError, NotADirectoryError):
            key = held.get(public_half(path) or b"") or private_key(path, found)
            if key is not None:
                by_file[path] = key
    own = by_file.get(Path(options.asked.key_file or "").expanduser())
    named = [key for key in by_file.values() if isinstance(key, AgentKey)]
    others = () if options.identities_only else agent
    ordered = [*([own] if own else []), *named, *others, *by_file.values()]
    shown = {each.asbytes(): each for each in reversed(ordered)}
    for blob in dict.fromkeys(each.asbytes() for each in ordered):
        found.offers += with_certificates(shown[blob], options)
    return found


def public_half(path: Path) -> bytes | None:
    """Of a private key with its .pub beside it, or of a file that holds the public one."""
    text = path.read_text("utf-8", "replace")
    if "PRIVATE KEY" in text[:200]:
        with suppress(OSError):
            text = path.with_name(path.name + ".pub").read_text("utf-8", "replace")
    fields = text.split()
    with suppress(binascii.Error, ValueError, IndexError):
        return base64.b64decode(fields[1], validate=True)
    return None


def private_key(path: Path, found: Offers) -> paramiko.PKey | None:
    """The key of a file; why it cannot be used goes to `found`."""
    try:
        if "PRIVATE KEY" not in path.read_text("utf-8", "replace")[:200]:
            found.public.append(path)
            return None
        return paramiko.PKey.from_path(path)
    except (TypeError, paramiko.PasswordRequiredException):
        found.locked.append(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # cryptography has a kind of its own for each damage
        found.damaged.append(f"{path}: {getattr(error, 'strerror', None) or error}")
    return None


def with_certificates(key: paramiko.PKey, options: Options) -> Iterator[Offer]:
    """The key with each certificate that is its own, then the key alone."""
    beside = [Path(f"{each}-cert.pub") for each in options.identity_files]
    for path in dict.fromkeys((*options.certificate_files, *beside)):
        with suppress(OSError, ValueError, paramiko.SSHException, UnknownKeyType):
            blob = PublicBlob.from_file(os.fspath(path))
            kind = blob.key_type.removesuffix(SUFFIX)
            subject = paramiko.PKey.from_type_string(kind, blob.key_blob)
            if subject.asbytes() == key.asbytes():
                yield Offer(key, blob)
    yield Offer(key, None)
