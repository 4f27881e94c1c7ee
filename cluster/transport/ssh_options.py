"""How ssh itself would reach a host: `ssh -G` reads ~/.ssh/config, and nothing of ours does."""

import getpass
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.inventory.address import Place, places_of

LIMIT_S = 10.0  # for `Match exec`, and for names that are made canonical
DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
SYSTEM_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
NO_PROGRAM = "there is no `ssh` program here, so ~/.ssh/config was not read"


class NoOptions(Exception):
    """ssh cannot say how it would reach a host; the text says why."""


@dataclass(frozen=True)
class Asked:
    """What nodes.toml says of the way to a host; None is left to ~/.ssh/config."""

    host: str
    user: str | None = None
    port: int | None = None
    key_file: str | None = None
    proxy_jump: str | None = None
    known_hosts: str | None = None

    def words(self) -> list[str]:
        """For ssh's command line, to be pasted too."""
        options = ["-i", self.key_file] if self.key_file else []
        options += ["-p", str(self.port)] if self.port else []
        options += ["-J", self.proxy_jump] if self.proxy_jump else []
        if self.known_hosts:
            options += ["-o", f"UserKnownHostsFile={self.known_hosts}"]
        return [*options, f"{self.user}@{self.host}" if self.user else self.host]


@dataclass(frozen=True)
class Options:
    """All that matters of one host on the way. `agent` is a socket, "" for none."""

    asked: Asked
    host: str
    port: int
    user: str
    proxy_jump: tuple[Place, ...] = ()
    proxy_command: str = ""
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str = ""
    known_hosts: tuple[Path, ...] = ()
    system_known_hosts: tuple[Path, ...] = SYSTEM_KNOWN_HOSTS
    host_key_alias: str = ""
    family: int = socket.AF_UNSPEC
    bind_address: str = ""
    note: str = ""

    @property
    def entry(self) -> str:
        """The name of the host in known_hosts; ssh writes it in lower case."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        return self.host.lower() if self.port == 22 else f"[{self.host.lower()}]:{self.port}"


Resolve = Callable[[Asked], Options]


def resolve(asked: Asked) -> Options:
    """One `ssh -G`. Raises NoOptions where ssh cannot read its configuration, or hangs over it."""
    program = shutil.which("ssh")
    if program is None:
        unread = Path("~/.ssh/config").expanduser().exists()
        return replace(without_ssh(asked, os.environ), note=NO_PROGRAM if unread else "")
    home, own = str(Path.home()), pwd.getpwuid(os.getuid()).pw_dir
    config, text = config_of(home, own)
    words = [program, *config, "-G", *question(asked)]
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NoOptions(f"`ssh -G {asked.host}` takes longer than {LIMIT_S:g} s") from None
    except OSError as error:
        raise NoOptions(f"cannot run {program}: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise NoOptions(f"the configuration of ssh cannot be read: {said[-1]}")
    return options_of(asked, done.stdout, os.environ, (own, home))


def question(asked: Asked) -> list[str]:
    """The words of `ssh -G`; a host is no option, whatever it begins with."""
    *options, _ = Asked(asked.host, None, asked.port, asked.key_file, asked.proxy_jump).words()
    options += ["-l", asked.user] if asked.user else []
    return [*options, "--", asked.host]


def config_of(home: str, own: str) -> tuple[list[str], str]:
    """ssh looks in the home that the system knows. Who has set HOME means that one:
    (words, what ssh reads on standard input).
    """
    if os.path.realpath(home) == os.path.realpath(own):
        return [], ""
    return ["-F", "/dev/stdin"], f'Include "{home}/.ssh/config"\nInclude {SYSTEM_CONFIG}\n'


@dataclass(frozen=True)
class Printed:
    """What `ssh -G` printed, by its keys; paths in the first of `homes` are meant in the second."""

    found: Mapping[str, Sequence[str]]
    tokens: Mapping[str, str]
    environ: Mapping[str, str]
    homes: tuple[str, str]

    def one(self, name: str) -> str:
        value = self.found.get(name, [""])[0]
        return "" if value == "none" else value

    def text(self, name: str) -> str:
        return filled(self.one(name), self.tokens, self.environ)

    def path(self, value: str) -> Path:
        full = Path(filled(value, self.tokens, self.environ)).expanduser()
        own, home = self.homes
        inside = own != home and full.is_relative_to(own)
        return Path(home, full.relative_to(own)) if inside else full

    def paths(self, values: Sequence[str]) -> tuple[Path, ...]:
        return tuple(self.path(each) for each in values if each not in ("", "none"))


def options_of(
    asked: Asked, text: str, environ: Mapping[str, str], homes: tuple[str, str] = ("", "")
) -> Options:
    """What `ssh -G` printed as options. Raises NoOptions for jump hosts of an odd form."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name.lower(), []).append(value)
    host, user = found.get("hostname", [asked.host])[0], found.get("user", [""])[0]
    port = int(found.get("port", ["22"])[0])
    printed = Printed(found, tokens_of(asked, host, port, user), environ, homes)
    try:
        jump = places_of(printed.one("proxyjump"))
    except ValueError as error:
        raise NoOptions(f"ProxyJump {printed.one('proxyjump')}: {error}") from None
    known = [asked.known_hosts] if asked.known_hosts else printed.one("userknownhostsfile").split()
    return Options(
        asked=asked,
        host=host,
        port=port,
        user=user,
        proxy_jump=jump,
        proxy_command=printed.text("proxycommand"),
        identity_files=printed.paths(found.get("identityfile", [])),
        certificate_files=printed.paths(found.get("certificatefile", [])),
        identities_only=printed.one("identitiesonly") == "yes",
        agent=agent_of(found.get("identityagent", [""])[0], printed.path, environ),
        known_hosts=printed.paths(known),
        system_known_hosts=printed.paths(printed.one("globalknownhostsfile").split()),
        host_key_alias=printed.one("hostkeyalias"),
        family=FAMILIES.get(printed.one("addressfamily"), socket.AF_UNSPEC),
        bind_address=printed.one("bindaddress"),
    )


def agent_of(value: str, path: Callable[[str], Path], environ: Mapping[str, str]) -> str:
    if value == "none":
        return ""
    if value in ("", "SSH_AUTH_SOCK"):
        return environ.get("SSH_AUTH_SOCK", "")
    if value.startswith("$") and not value.startswith("${"):
        return environ.get(value[1:], "")
    return str(path(value))


def tokens_of(asked: Asked, host: str, port: int, user: str) -> dict[str, str]:
    """TOKENS of ssh_config(5)."""
    name = socket.gethostname()
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": host,
        "i": str(os.getuid()),
        "k": host,
        "L": name.partition(".")[0],
        "l": name,
        "n": asked.host,
        "p": str(port),
        "r": user,
        "u": getpass.getuser(),
    }


def filled(text: str, tokens: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The text with its %h and ${NAME}; what has no value stays as it is."""

    def value(found: re.Match[str]) -> str:
        token, name = found.groups()
        return str(tokens.get(token, found[0]) if token else environ.get(name, found[0]))

    return re.sub(r"%(.)|\$\{(\w+)\}", value, text)


def without_ssh(asked: Asked, environ: Mapping[str, str]) -> Options:
    """nodes.toml alone, and the usual places."""
    folder = Path("~/.ssh").expanduser()
    own = [asked.key_file] if asked.key_file else []
    return Options(
        asked=asked,
        host=asked.host,
        port=asked.port or 22,
        user=asked.user or getpass.getuser(),
        proxy_jump=places_of(asked.proxy_jump or ""),
        identity_files=tuple(
            Path(each).expanduser() for each in (*own, *(str(folder / key) for key in DEFAULT_KEYS))
        ),
        agent=environ.get("SSH_AUTH_SOCK", ""),
        known_hosts=(Path(asked.known_hosts or folder / "known_hosts").expanduser(),),
    )
