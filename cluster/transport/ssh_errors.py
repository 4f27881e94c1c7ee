"""Why a host did not let us in, and what to type next."""

import socket
from collections.abc import Callable, Mapping
from typing import Any

import paramiko
from paramiko.hostkeys import InvalidHostKey


class UnknownHostKey(paramiko.SSHException):
    """The host's key stands in no known_hosts file."""


class RevokedHostKey(paramiko.SSHException):
    """known_hosts says that nobody may show this key."""


class RejectUnknown(paramiko.MissingHostKeyPolicy):
    """Never accept a key that nobody has looked at."""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        raise UnknownHostKey(f"{key.get_name()} {key.fingerprint}")


def why_unreachable(error: Exception, host: str, port: int, user: str) -> tuple[str, str]:
    """(reason, hint) for an exception of fabric or paramiko."""
    place = f"{host}:{port}"
    for kind, explanation in EXPLANATIONS:
        if isinstance(error, kind):
            reason, hint = explanation(error)
            entry = host if port == 22 else f"[{host}]:{port}"  # as known_hosts writes it
            words = {"place": place, "host": host, "port": port, "user": user, "entry": entry}
            return fill(reason, words), fill(hint, words)
    return f"SSH to {place} failed: {error}", f"try by hand: ssh -v -p {port} {user}@{host}"


def fill(text: str, words: Mapping[str, object]) -> str:
    """Put each word where its name stands in braces. What a host said may hold braces of its own,
    which `str.format` would take for names.
    """
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", str(word))
    return text


def refused(error: paramiko.ssh_exception.NoValidConnectionsError) -> tuple[str, str]:
    reasons = {getattr(each, "strerror", None) or str(each) for each in error.errors.values()}
    return f"{{place}}: {', '.join(sorted(reasons))}", "is the host up and sshd running there?"


def not_ssh(error: Exception) -> tuple[str, str]:
    if "No authentication methods available" in str(error):  # paramiko has no kind of its own
        what = "{place} wants a key, and there is none: no agent, no ~/.ssh/id_*, no key_file"
        return (
            what,
            "ssh-keygen; ssh-copy-id -p {port} {user}@{host}; or set key_file in nodes.toml",
        )
    return (
        f"{{place}} accepts connections but does not speak SSH in time ({error})",
        "the host hangs or another service has the port: ssh -v -p {port} {user}@{host}",
    )


def not_let_in(error: Exception) -> tuple[str, str]:
    if "timeout" in str(error).lower():  # paramiko has no kind of its own
        return not_ssh(error)
    return (
        "{place} refused every key that we offered",
        "ssh-copy-id -p {port} {user}@{host}, or set key_file and user in nodes.toml",
    )


Explanation = Callable[[Any], tuple[str, str]]
EXPLANATIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Explanation], ...] = (
    (
        UnknownHostKey,
        lambda e: (f"unknown host key of {{place}} ({e})", "orchestrate cluster trust"),
    ),
    (
        RevokedHostKey,
        lambda e: (
            f"REVOKED HOST KEY of {{place}}: {e} is marked @revoked in known_hosts",
            "the host needs a new key; then: orchestrate cluster trust",
        ),
    ),
    (
        paramiko.BadHostKeyException,
        lambda e: (
            f"WRONG HOST KEY of {{place}}: {e.key.get_name()} {e.key.fingerprint} is not the one "
            "in known_hosts; the host was reinstalled, or someone sits in between",
            "if it was reinstalled: ssh-keygen -R '{entry}'; orchestrate cluster trust",
        ),
    ),
    (
        InvalidHostKey,
        lambda e: (
            f"a line of known_hosts cannot be read: {e.line[:60]}",
            "remove that line from the file, then: orchestrate cluster trust",
        ),
    ),
    (
        (paramiko.AuthenticationException, paramiko.PasswordRequiredException),
        not_let_in,
    ),
    (paramiko.ssh_exception.NoValidConnectionsError, refused),
    (
        socket.gaierror,
        lambda e: ("the name of {place} does not resolve", "check `address` in nodes.toml"),
    ),
    (
        TimeoutError,
        lambda e: (
            "{place} does not answer",
            "is the host up? is a firewall in between? ping {host}",
        ),
    ),
    ((paramiko.SSHException, EOFError), not_ssh),
)
