"""Each way of not being let in has a reason and the next thing to type."""

import socket

import paramiko
import pytest

from cluster.transport.ssh_errors import UnknownHostKey, why_unreachable

PLACE = ("spark-2", 2222, "ada")


@pytest.mark.parametrize(
    ("error", "reason", "hint"),
    [
        (
            UnknownHostKey("ssh-ed25519 SHA256:x"),
            "unknown host key of spark-2:2222",
            "cluster trust",
        ),
        (
            paramiko.AuthenticationException("Authentication timeout."),
            "spark-2:2222 accepts connections but does not speak SSH in time",
            "the host hangs",
        ),
        (
            paramiko.AuthenticationException(),
            "refused every key",
            "ssh-copy-id -p 2222 ada@spark-2",
        ),
        (
            paramiko.ssh_exception.NoValidConnectionsError(
                {("10.0.0.2", 2222): OSError(111, "Connection refused")}
            ),
            "spark-2:2222: Connection refused",
            "is the host up and sshd running there?",
        ),
        (socket.gaierror(-2, "unknown"), "does not resolve", "check `address` in nodes.toml"),
        (TimeoutError(), "spark-2:2222 does not answer", "ping spark-2"),
        (
            paramiko.SSHException("banner"),
            "does not speak SSH in time",
            "ssh -v -p 2222 ada@spark-2",
        ),
        (
            paramiko.SSHException("No authentication methods available"),
            "there is none: no agent, no ~/.ssh/id_*, no key_file",
            "ssh-copy-id -p 2222 ada@spark-2",
        ),
        (
            paramiko.SSHException("Invalid banner: {cache} {0}"),
            "(Invalid banner: {cache} {0})",
            "ssh -v -p 2222 ada@spark-2",
        ),
        (EOFError(), "does not speak SSH in time", "ssh -v -p 2222 ada@spark-2"),
        (ValueError("odd"), "SSH to spark-2:2222 failed: odd", "ssh -v -p 2222 ada@spark-2"),
    ],
)
def test_reason_and_hint(error: Exception, reason: str, hint: str) -> None:
    why, what_next = why_unreachable(error, *PLACE)
    assert reason in why
    assert hint in what_next


@pytest.mark.parametrize(("port", "entry"), [(22, "spark-2"), (2222, "[spark-2]:2222")])
def test_a_changed_key_warns_loudly(port: int, entry: str) -> None:
    key, other = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    error = paramiko.BadHostKeyException("spark-2", key, other)
    why, what_next = why_unreachable(error, "spark-2", port, "ada")
    assert why.startswith(f"WRONG HOST KEY of spark-2:{port}: ecdsa-sha2-nistp256 SHA256:")
    assert f"ssh-keygen -R '{entry}'; orchestrate cluster trust" in what_next
