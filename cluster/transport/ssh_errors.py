"""Why a host did not let us in, and what to type next."""

import shlex
import socket
from collections.abc import Callable, Mapping
from typing import Any

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from cluster.errors import Unreachable
from cluster.transport.ssh_identities import Offers
from cluster.transport.ssh_options import NoOptions, Options

PROHIBITED = 1  # of the reasons in RFC 4254 why a channel is not opened
CONFIG = "/etc/ssh/sshd_config"


class HostKeyFault(paramiko.SSHException):
    """The text is the key that was shown; `known` are kinds of other keys that known_hosts has."""

    def __init__(self, shown: str, known: str = "") -> None:
        super().__init__(shown)
        self.known = known


class UnknownHostKey(HostKeyFault):
    """The host's key stands in no known_hosts file."""


class ChangedHostKey(HostKeyFault):
    """known_hosts has another key of this kind."""


class RevokedHostKey(HostKeyFault):
    """known_hosts says that nobody may show this key."""


FAULTS: Mapping[str, type[HostKeyFault]] = {
    "unknown": UnknownHostKey,
    "changed": ChangedHostKey,
    "revoked": RevokedHostKey,
}


class BehindJump(paramiko.SSHException):
    """The jump host does not connect us."""

    def __init__(self, error: paramiko.ChannelException) -> None:
        super().__init__(error.text)
        self.prohibited = error.code == PROHIBITED


class ProxyEnded(paramiko.SSHException):
    """ProxyCommand ended before the host said a word."""


class MoreThanAKey(paramiko.SSHException):
    """The key is right, and the host wants a password or a code besides."""


class NotLetIn(paramiko.AuthenticationException):
    """No key was taken. `wanted` are the methods that the host names; `hung_up`: it had enough."""

    def __init__(
        self, refused: int, offers: Offers, wanted: tuple[str, ...], hung_up: bool = False
    ) -> None:
        super().__init__(f"{refused} keys refused")
        self.refused, self.offers, self.wanted, self.hung_up = refused, offers, wanted, hung_up


class Stopped(Exception):
    """The way ends at one of its hosts."""

    def __init__(self, at: Options, is_jump: bool, cause: Exception) -> None:
        super().__init__(str(cause))
        self.at, self.is_jump, self.cause = at, is_jump, cause


def unreachable(node: str, stopped: Stopped) -> Unreachable:
    """Told of the host where the way ends, which may be a jump host."""
    return Unreachable(node, *why_unreachable(stopped.cause, stopped.at, stopped.is_jump))


def why_unreachable(error: Exception, at: Options, is_jump: bool = False) -> tuple[str, str]:
    """(reason, hint) for an exception of the transport or of paramiko."""
    place = f"{at.host}:{at.port}"
    if at.proxy_command:
        place += " (through ProxyCommand)"
    words = {
        "place": f"the jump host {place}" if is_jump else place,
        "host": at.host,
        "port": at.port,
        "user": at.user,
        "entry": at.entry,
        "login": shlex.join(at.asked.words()),
        "known": str(at.known_hosts[0]) if at.known_hosts else "~/.ssh/known_hosts",
    }
    reason, hint = explained(error)
    if at.note:
        reason += f" ({at.note})"
    return fill(reason, words), fill(hint, words)


def explained(error: Exception) -> tuple[str, str]:
    for kind, explanation in EXPLANATIONS:
        if isinstance(error, kind):
            return explanation(error)
    return f"SSH to {{place}} failed: {error}", "try by hand: ssh -v {login}"


def fill(text: str, words: Mapping[str, object]) -> str:
    """Put each word where its name stands in braces. What a host said may hold braces of its own,
    which `str.format` would take for names.
    """
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", str(word))
    return text


def not_connected(error: OSError) -> tuple[str, str]:
    return f"{{place}}: {error.strerror or error}", "is the host up and sshd running there?"


def not_ssh(error: Exception) -> tuple[str, str]:
    return (
        f"{{place}} accepts connections but does not speak SSH in time ({error})",
        "the host hangs or another service has the port: ssh -v {login}",
    )


def unknown_key(error: UnknownHostKey) -> tuple[str, str]:
    others = f"; known_hosts has its {error.known}" if error.known else ""
    return f"unknown host key of {{place}} ({error}{others})", "orchestrate cluster trust"


def incompatible(error: IncompatiblePeer) -> tuple[str, str]:
    what = str(error).partition("(")[2].rstrip(")") or str(error)
    return (
        f"{{place}} speaks SSH, but with no algorithm that we have: {what}",
        f"allow a modern one in {CONFIG} there, as in its defaults: ssh -v {{login}}",
    )


def not_let_in(error: Exception) -> tuple[str, str]:
    if not isinstance(error, NotLetIn):  # paramiko's, for one that came too late
        return not_ssh(error)
    unusable = unused(error.offers)
    if error.wanted and "publickey" not in error.wanted:
        what = f"{{place}} takes no keys, only {', '.join(error.wanted)}"
        return what, f"PubkeyAuthentication yes in {CONFIG} there"
    if error.hung_up:
        what = f"{{place}} hung up after {error.refused} keys that it does not take{unusable}"
        return what, "set key_file in nodes.toml, or IdentitiesOnly yes in ~/.ssh/config"
    if error.refused or unusable:
        return refusal(error, unusable), next_key(error)
    return (
        "{place} wants a key, and there is none: no agent, no ~/.ssh/id_*, no key_file",
        "ssh-keygen; ssh-copy-id -p {port} {user}@{host}; or set key_file in nodes.toml",
    )


def next_key(error: NotLetIn) -> str:
    if error.offers.locked:
        return f"unlock it for the agent: ssh-add {shlex.quote(str(error.offers.locked[0]))}"
    if error.offers.public and not error.refused:
        return "name the private key in nodes.toml: the file without .pub"
    return "ssh-copy-id -p {port} {user}@{host}, or set key_file and user in nodes.toml"


def refusal(error: NotLetIn, unusable: str) -> str:
    if error.refused:
        return f"{{place}} refused every key that we offered as {{user}}{unusable}"
    return f"{{place}} wants a key, and none can be offered{unusable}"


def unused(offers: Offers) -> str:
    """What was named and could not be offered."""
    parts = [f"{each} wants a passphrase and is not in the agent" for each in offers.locked]
    parts += [f"{each} is a public key, and no agent has its private one" for each in offers.public]
    parts += [f"cannot be read: {each}" for each in offers.damaged]
    return f" ({'; '.join(parts)})" if parts else ""


def behind_jump(error: BehindJump) -> tuple[str, str]:
    if error.prohibited:
        what = "the jump host before {place} forwards nothing"
        return what, f"AllowTcpForwarding yes (and PermitOpen) in {CONFIG} of the jump host"
    return (
        f"{{place}} cannot be reached from the jump host before it: {error}",
        "is the host up and sshd running there?",
    )


Explanation = Callable[[Any], tuple[str, str]]
EXPLANATIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Explanation], ...] = (
    (NoOptions, lambda e: (str(e), "ssh -G {login} shows what ssh makes of it")),
    (UnknownHostKey, unknown_key),
    (
        RevokedHostKey,
        lambda e: (
            f"REVOKED HOST KEY of {{place}}: {e} is marked @revoked in known_hosts",
            "the host needs a new key; then: orchestrate cluster trust",
        ),
    ),
    (
        ChangedHostKey,
        lambda e: (
            f"WRONG HOST KEY of {{place}}: {e} is not the one "
            "in known_hosts; the host was reinstalled, or someone sits in between",
            "if it was reinstalled: ssh-keygen -R '{entry}'; orchestrate cluster trust",
        ),
    ),
    (BehindJump, behind_jump),
    (
        ProxyEnded,
        lambda e: (f"ProxyCommand of {{host}}: {e}", "try by hand: ssh -v {login}"),
    ),
    (
        MoreThanAKey,
        lambda e: (
            f"{{place}} takes the key and wants more: {e}",
            f"we type no passwords: AuthenticationMethods publickey in {CONFIG} there",
        ),
    ),
    (paramiko.AuthenticationException, not_let_in),
    (IncompatiblePeer, incompatible),
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
    (OSError, not_connected),
)
