"""Which keys are offered, and in which order."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from cluster.transport.ssh_identities import Agent, agent_at, offers_of
from cluster.transport.ssh_options import Asked, Options, without_ssh


def make(path: Path, passphrase: str = "") -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return path


def options(*files: Path, only: bool = False, key_file: Path | None = None) -> Options:
    asked = Asked("h", key_file=str(key_file) if key_file else None)
    return replace(without_ssh(asked, {}), identity_files=files, identities_only=only)


def text(path: Path) -> str:
    return Path(f"{path}.pub").read_text().split()[1]


def offered(options: Options, agent: Agent | None = None) -> list[str]:
    found = offers_of(options, agent.get_keys() if agent else ())
    return [offer.key.get_base64() for offer in found.offers]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """One that holds the keys `in-file` and `other`."""
    sock = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()  # it says where it listens, once it does
    keys = [str(make(tmp_path / name)) for name in ("in-file", "other")]
    env = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
    subprocess.run(["ssh-add", "-q", *keys], check=True, env=env)
    found = agent_at(str(sock), 5)
    assert found
    yield found
    found.close()
    process.terminate()
    process.communicate()


def test_a_file_that_is_missing_is_no_fault(tmp_path: Path) -> None:
    key = make(tmp_path / "key")
    assert offered(options(tmp_path / "none", key)) == [text(key)]


def test_the_agents_keys_come_first_those_that_a_file_names_before_all(
    tmp_path: Path, agent: Agent
) -> None:
    own, key = make(tmp_path / "own"), make(tmp_path / "key")
    held, other = tmp_path / "in-file", tmp_path / "other"
    files = (key, held)
    assert offered(options(*files), agent) == [text(held), text(other), text(key)]
    assert offered(options(*files, only=True), agent) == [text(held), text(key)]
    first = options(own, *files, key_file=own)
    assert offered(first, agent) == [text(own), text(held), text(other), text(key)]


def test_what_cannot_be_offered_is_named(tmp_path: Path, agent: Agent) -> None:
    locked, public = make(tmp_path / "locked", "secret"), Path(f"{make(tmp_path / 'p')}.pub")
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    found = offers_of(options(locked, public, damaged), ())
    assert (found.offers, found.locked, found.public) == ([], [locked], [public])
    assert found.damaged[0].startswith(f"{damaged}: ")
    held = Path(f"{tmp_path / 'in-file'}.pub")
    assert offered(options(held, only=True), agent) == [text(tmp_path / "in-file")]


def test_a_certificate_comes_before_its_plain_key(tmp_path: Path) -> None:
    key, authority = make(tmp_path / "key"), make(tmp_path / "ca")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", "ada", f"{key}.pub"]
    subprocess.run(sign, check=True)
    plain = options(key)
    elsewhere = Path(f"{key}-cert.pub").rename(tmp_path / "elsewhere.pub")
    assert [each.certificate for each in offers_of(plain, ()).offers] == [None]
    named = replace(plain, certificate_files=(elsewhere, Path(f"{authority}.pub")))
    first, second = offers_of(named, ()).offers
    assert first.certificate
    assert first.certificate.key_type == "ssh-ed25519-cert-v01@openssh.com"
    assert second.certificate is None
    assert isinstance(first.key, paramiko.PKey)


def test_no_agent_is_no_fault(tmp_path: Path) -> None:
    assert agent_at("", 1) is None
    assert agent_at(str(tmp_path / "none"), 1) is None
