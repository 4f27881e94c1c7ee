"""Each way of not being let in has a reason and the next thing to type."""

import socket
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from paramiko.ssh_exception import IncompatiblePeer

from cluster.transport.ssh_errors import (
    BehindJump,
    ChangedHostKey,
    MoreThanAKey,
    NotLetIn,
    ProxyEnded,
    RevokedHostKey,
    UnknownHostKey,
    why_unreachable,
)
from cluster.transport.ssh_identities import Offers
from cluster.transport.ssh_options import Asked, NoOptions, without_ssh

AT = without_ssh(Asked("spark-2", "ada", 2222, "~/k"), {})
KEY = "ssh-ed25519 SHA256:x"
TYPED = "ssh -v -i '~/k' -p 2222 ada@spark-2"


def not_let_in(refused: int = 0, *wanted: str, hung_up: bool = False, **kinds: object) -> NotLetIn:
    return NotLetIn(refused, Offers(**kinds), wanted, hung_up)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "reason", "hint"),
    [
        (UnknownHostKey(KEY), f"unknown host key of spark-2:2222 ({KEY})", "cluster trust"),
        (UnknownHostKey(KEY, "ssh-rsa"), "known_hosts has its ssh-rsa)", "cluster trust"),
        (RevokedHostKey(KEY), "REVOKED HOST KEY of spark-2:2222", "needs a new key"),
        (
            ChangedHostKey(KEY),
            f"WRONG HOST KEY of spark-2:2222: {KEY} is not the one",
            "ssh-keygen -R '[spark-2]:2222'; orchestrate cluster trust",
        ),
        (
            paramiko.AuthenticationException("Authentication timeout."),
            "spark-2:2222 accepts connections but does not speak SSH in time",
            "the host hangs",
        ),
        (
            not_let_in(2),
            "refused every key that we offered as ada",
            "ssh-copy-id -p 2222 ada@spark",
        ),
        (
            not_let_in(),
            "there is none: no agent, no ~/.ssh/id_*, no key_file",
            "ssh-copy-id -p 2222 ada@spark-2",
        ),
        (
            not_let_in(1, locked=[Path("/k/id")]),
            "(/k/id wants a passphrase and is not in the agent)",
            "ssh-add /k/id",
        ),
        (
            not_let_in(public=[Path("/k/id.pub")]),
            "/k/id.pub is a public key, and no agent has its private one",
            "without .pub",
        ),
        (not_let_in(damaged=["/k: odd"]), "cannot be read: /k: odd", "set key_file"),
        (not_let_in(6, hung_up=True), "hung up after 6 keys", "IdentitiesOnly yes"),
        (not_let_in(0, "password"), "takes no keys, only password", "PubkeyAuthentication yes"),
        (MoreThanAKey("password"), "takes the key and wants more: password", "no passwords"),
        (
            IncompatiblePeer("Incompatible ssh peer (no acceptable ciphers)"),
            "with no algorithm that we have: no acceptable ciphers",
            "sshd_config",
        ),
        (
            ConnectionRefusedError(111, "Connection refused"),
            "spark-2:2222: Connection refused",
            "is the host up and sshd running there?",
        ),
        (
            OSError(101, "Network is unreachable"),
            "spark-2:2222: Network is unreachable",
            "is the host up",
        ),
        (socket.gaierror(-2, "unknown"), "does not resolve", "check `address` in nodes.toml"),
        (TimeoutError(), "spark-2:2222 does not answer", "ping spark-2"),
        (paramiko.SSHException("banner"), "does not speak SSH in time", TYPED),
        (
            paramiko.SSHException("Invalid banner: {cache} {0}"),
            "(Invalid banner: {cache} {0})",
            TYPED,
        ),
        (EOFError(), "does not speak SSH in time", TYPED),
        (ValueError("odd"), "SSH to spark-2:2222 failed: odd", TYPED),
        (ProxyEnded("nc: no route"), "ProxyCommand of spark-2: nc: no route", TYPED),
        (NoOptions("line 3: Bad option"), "line 3: Bad option", "ssh -G -i '~/k' -p 2222"),
    ],
)
def test_reason_and_hint(error: Exception, reason: str, hint: str) -> None:
    why, what_next = why_unreachable(error, AT)
    assert reason in why
    assert hint in what_next


def test_what_goes_wrong_at_a_jump_host_is_told_of_the_jump_host() -> None:
    why, what_next = why_unreachable(ChangedHostKey(KEY), AT, is_jump=True)
    assert why.startswith("WRONG HOST KEY of the jump host spark-2:2222")
    assert "ssh-keygen -R '[spark-2]:2222'" in what_next
    why, _ = why_unreachable(TimeoutError(), AT, is_jump=True)
    assert why == "the jump host spark-2:2222 does not answer"


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (1, "the jump host before spark-2:2222 forwards nothing", "AllowTcpForwarding yes"),
        (2, "spark-2:2222 cannot be reached from the jump host before it: ", "is the host up"),
    ],
)
def test_what_a_jump_host_says_of_the_next_one(code: int, reason: str, hint: str) -> None:
    why, what_next = why_unreachable(BehindJump(paramiko.ChannelException(code, "no")), AT)
    assert why.startswith(reason)
    assert hint in what_next


def test_a_machine_without_ssh_says_that_its_config_was_not_read() -> None:
    why, _ = why_unreachable(TimeoutError(), replace(AT, note="no `ssh` program here"))
    assert why == "spark-2:2222 does not answer (no `ssh` program here)"
