"""Host keys that a person accepted go to known_hosts; the file stays one that ssh can read."""

from pathlib import Path

import paramiko
import pytest

from cluster.transport.host_keys import HostKey, accept
from cluster.transport.known_hosts import read_known_hosts

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()


def shown(entry: str, key: paramiko.PKey, file: Path) -> HostKey:
    return HostKey("h1", entry, key.get_name(), key.get_base64(), key.fingerprint, "unknown", file)


def verdict(file: Path, entry: str, key: paramiko.PKey) -> str:
    return read_known_hosts([file]).verdict(entry, key.get_name(), key.asbytes())


@pytest.mark.parametrize("entry", ["spark-1", "[spark-1]:2222"])
def test_an_accepted_key_is_known_and_another_one_is_changed(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    assert verdict(file, entry, KEY) == "unknown"
    accept([shown(entry, KEY, file)])
    assert verdict(file, entry, KEY) == "known"
    assert verdict(file, entry, OTHER) == "changed"
    assert verdict(file, "other", KEY) == "unknown"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_stood_there_stays_whole(tmp_path: Path, end: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"old {OTHER.get_name()} {OTHER.get_base64()}{end}")
    accept([shown("new", KEY, file)])
    assert verdict(file, "old", OTHER) == "known"
    assert verdict(file, "new", KEY) == "known"
    assert len(file.read_text().splitlines()) == 2


def test_each_key_goes_to_the_file_of_its_host_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    accept([shown("a", KEY, one), shown("a", KEY, one), shown("b", OTHER, two)])
    assert len(one.read_text().splitlines()) == len(two.read_text().splitlines()) == 1
