"""known_hosts as ssh reads it; ssh itself wrote the hashed lines."""

import subprocess
from pathlib import Path

import paramiko
import pytest

from cluster.transport.known_hosts import KnownHosts, read_known_hosts

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
RSA = paramiko.RSAKey.generate(2048)


def line(key: paramiko.PKey, host: str = "spark-1", marker: str = "") -> str:
    return f"{marker} {host} {key.get_name()} {key.get_base64()} a comment\n".lstrip()


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    file = tmp_path / "known_hosts"
    file.write_text("".join(lines))
    return read_known_hosts([file, tmp_path / "none"])


def verdict(found: KnownHosts, key: paramiko.PKey, host: str = "spark-1") -> str:
    return found.verdict(host, key.get_name(), key.asbytes())


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        ("spark-1", "spark-1"),
        ("other,Spark-1.LAB", "spark-1.lab"),
        ("spark-*", "spark-1"),
        ("10.0.0.?", "10.0.0.7"),
        ("[spark-1]:2222", "[spark-1]:2222"),
        ("[spark-*]:2222", "[spark-1]:2222"),
        ("fd77::2", "fd77::2"),
        ("*,!h", "spark-1"),
    ],
)
def test_a_host_is_known_by_name_and_by_pattern(tmp_path: Path, hosts: str, host: str) -> None:
    assert verdict(known(tmp_path, line(KEY, hosts)), KEY, host) == "known"
    assert verdict(known(tmp_path, line(KEY, hosts)), OTHER, host) == "changed"


def test_a_host_that_a_pattern_leaves_out_is_unknown(tmp_path: Path) -> None:
    found = known(tmp_path, line(KEY, "*.lab,!bad.lab"))
    assert verdict(found, KEY, "bad.lab") == "unknown"
    assert verdict(found, KEY, "10-0-0-7") == "unknown"


def test_names_that_ssh_keygen_hashed(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line(KEY) + line(OTHER, "[h]:2222"))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "spark-1" not in file.read_text()
    found = read_known_hosts([file])
    assert verdict(found, KEY) == "known"
    assert verdict(found, OTHER) == "changed"
    assert verdict(found, OTHER, "[h]:2222") == "known"


def test_every_line_of_a_host_counts(tmp_path: Path) -> None:
    found = known(tmp_path, line(OTHER), line(RSA), line(KEY, "spark-1,10.0.0.1"))
    assert [verdict(found, key) for key in (KEY, OTHER, RSA)] == ["known"] * 3
    assert found.kinds("spark-1") == (OTHER.get_name(), "ssh-rsa")


def test_another_kind_of_key_is_unknown_and_not_changed(tmp_path: Path) -> None:
    found = known(tmp_path, line(RSA))
    assert verdict(found, RSA) == "known"
    assert verdict(found, KEY) == "unknown"


def test_lines_with_a_marker_stop_nobody(tmp_path: Path) -> None:
    lines = (line(RSA, "*.example.com", "@cert-authority"), "@revoked\n", line(KEY))
    found = known(tmp_path, *lines, line(OTHER, "other", "@revoked"))
    assert verdict(found, KEY) == "known"
    assert verdict(found, RSA, "host.example.com") == "unknown"
    assert found.authorities("host.example.com") == (RSA.asbytes(),)
    assert found.authorities("spark-1") == ()


def test_a_revoked_key_is_never_accepted(tmp_path: Path) -> None:
    found = known(tmp_path, line(KEY), line(KEY, "*", "@revoked"))
    assert verdict(found, KEY) == "revoked"
    assert verdict(found, KEY, "[spark-1]:2222") == "revoked"
    assert verdict(found, OTHER) == "changed"


def test_a_damaged_line_stands_for_nothing(tmp_path: Path) -> None:
    damaged = ("spark-1 ssh-rsa not-base64!\n", "x ssh-rsa AAAA\n", "h 1024 35 1234567\n", "\xff\n")
    found = known(tmp_path, *damaged, line(KEY))
    assert verdict(found, KEY) == "known"
    assert len(found.lines) == 1


def test_a_key_of_the_plain_name_is_known_on_every_port_as_with_ssh(tmp_path: Path) -> None:
    found = known(tmp_path, line(KEY))
    assert verdict(found, KEY, "[spark-1]:2222") == "known"
    assert verdict(found, OTHER, "[spark-1]:2222") == "unknown"
    own = known(tmp_path, line(KEY), line(OTHER, "[spark-1]:2222"))
    assert verdict(own, KEY, "[spark-1]:2222") == "changed"
