"""Host keys against known_hosts; the file stays one that ssh can read."""

from pathlib import Path

import paramiko
import pytest

from cluster.inventory.config import SshTable
from cluster.transport.host_keys import HostKey, accept, state_of
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
