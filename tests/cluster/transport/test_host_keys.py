"""Host keys against known_hosts; the file stays one that ssh can read."""

from pathlib import Path

import paramiko
import pytest
from paramiko.hostkeys import InvalidHostKey

from cluster.inventory.config import SshTable
from cluster.transport.host_keys import HostKey, accept, state_of
from cluster.transport.known_hosts import read_known_hosts
from tests.support.factory import config_of

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
NODE = config_of().head


def shown(entry: str, key: paramiko.PKey) -> HostKey:
    return HostKey(NODE, entry, key.get_name(), key.get_base64(), key.fingerprint, "unknown")


@pytest.mark.parametrize("entry", ["spark-1", "[spark-1]:2222"])
def test_an_accepted_key_is_known_and_another_one_is_changed(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    assert state_of(entry, KEY, file) == "unknown"
    accept([shown(entry, KEY)], SshTable(known_hosts=str(file)))
    assert state_of(entry, KEY, file) == "known"
    assert state_of(entry, OTHER, file) == "changed"
    assert state_of("other", KEY, file) == "unknown"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_stood_there_stays_whole(tmp_path: Path, end: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"old {OTHER.get_name()} {OTHER.get_base64()}{end}")
    accept([shown("new", KEY)], SshTable(known_hosts=str(file)))
    assert state_of("old", OTHER, file) == "known"
    assert state_of("new", KEY, file) == "known"
    assert len(file.read_text().splitlines()) == 2


RSA = paramiko.RSAKey.generate(2048)


def line(key: paramiko.PKey, marker: str = "", host: str = "spark-1") -> str:
    return f"{marker} {host} {key.get_name()} {key.get_base64()}\n".lstrip()


def test_another_kind_of_key_is_unknown_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line(RSA))
    assert state_of("spark-1", RSA, file) == "known"
    assert state_of("spark-1", KEY, file) == "unknown"


def test_lines_with_a_marker_stop_nobody(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line(RSA, "@cert-authority", "*.example.com") + "@revoked\n" + line(KEY))
    assert state_of("spark-1", KEY, file) == "known"
    assert state_of("host.example.com", RSA, file) == "unknown"


def test_a_revoked_key_is_never_accepted(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line(KEY) + line(KEY, "@revoked", "*"))
    assert state_of("spark-1", KEY, file) == "changed"
    known = read_known_hosts(file)
    assert known.is_revoked(KEY)
    assert not known.is_revoked(OTHER)


def test_a_damaged_line_is_still_an_error(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("spark-1 ssh-rsa not-base64!\n")
    with pytest.raises(InvalidHostKey):
        read_known_hosts(file)
