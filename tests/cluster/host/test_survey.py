"""The programs that a check sends to a host, run here."""

import json
import os
import shlex
import socket
import time
from pathlib import Path

import pytest

from cluster.host import holders, nonce, resolver, services, session, storage
from cluster.transport.program import needed


def test_a_nonce_is_written_read_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for text in ("abc", None, "", None):
        nonce.main({"cache": str(tmp_path), "name": "n", "text": text})
        said.append(json.loads(capsys.readouterr().out)["text"])
    assert said == ["abc", "abc", "", None]


ROWS = """\
GPU-a, 100, /usr/bin/python3, 90000
GPU-b, 7, [Not Found], [N/A]
GPU-b, 8, a, comma, 5 MiB
GPU-b, 9, no size,
No running processes found
"""


def test_users_of_gpus() -> None:
    asked = storage.Child(storage.run_words(["sh", "-c", f"printf %s {shlex.quote(ROWS)}"]))
    found = holders.gpu_users(asked, {100: "test/h1/vllm-x"})
    assert [(user["gpu"], user["pid"], user["name"]) for user in found] == [
        ("GPU-a", 100, "/usr/bin/python3"),
        ("GPU-b", 7, "[Not Found]"),
        ("GPU-b", 8, "a,comma"),
        ("GPU-b", 9, "no size"),
    ]
    assert [user["memory"] for user in found] == [90000 << 20, None, 5 << 20, None]
    assert [user["mark"] for user in found] == ["test/h1/vllm-x", None, None, None]
    assert holders.gpu_users(None, {}) == []
    failing = storage.Child(storage.run_words(["sh", "-c", "echo 1, 2, 3, 4; exit 9"]))
    assert holders.gpu_users(failing, {}) == []


def test_memory_of_this_machine() -> None:
    use = holders.memory_use()
    assert use["free"] > 0
    assert use["page_cache"] > 0
    largest = holders.biggest({})
    sizes = [each["memory"] for each in largest]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len({each["pid"] for each in largest}) <= holders.BIGGEST


def test_the_last_setting_of_logind_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, admin = tmp_path / "usr", tmp_path / "etc"
    for folder in (vendor, admin):
        (folder / "logind.conf.d").mkdir(parents=True)
    (vendor / "logind.conf").write_text("KillUserProcesses=yes\n")
    (admin / "logind.conf").write_text("[Login]\n#RemoveIPC=yes\nRemoveIPC=no\n")
    monkeypatch.setattr(session, "CONFIG_FOLDERS", (str(vendor), str(admin)))
    assert session.logind_settings() == {"RemoveIPC": "no"}
    (vendor / "logind.conf.d/10-a.conf").write_text("RemoveIPC=yes\n")
    (vendor / "logind.conf.d/20-b.conf").write_text("KillUserProcesses=yes\n")
    (admin / "logind.conf.d/20-b.conf").write_text("")
    assert session.logind_settings() == {"RemoveIPC": "yes"}


def test_a_server_that_answers_and_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it answers, it is alive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setattr(resolver, "PORT", server.getsockname()[1])
        child = storage.Child(resolver.query("127.0.0.1", "h1.lab"))
        question, sender = server.recvfrom(512)
        server.sendto(question[:2], sender)
        assert resolver.finish({"127.0.0.1": child}) == {"127.0.0.1": ""}
    assert b"\2h1\3lab\0" in question
    refused = storage.Child(resolver.query("127.0.0.1", "h1"))
    assert "ConnectionRefused" in resolver.finish({"x": refused})["x"]


def test_names_are_looked_up_where_it_is_asked_for() -> None:
    assert resolver.start(None) == ({}, {})
    child = storage.Child(resolver.lookup("localhost"))
    assert resolver.finish({"localhost": child}, 30) == {"localhost": ""}


def test_a_program_takes_what_it_imports_and_no_more() -> None:
    assert needed("cluster.host.nonce") == []
    assert needed("cluster.host.hold") == ["cluster.host.services"]
    survey = needed("cluster.host.survey")
    assert survey.index("cluster.host.services") < survey.index("cluster.host.network")
    assert survey.index("cluster.host.network") < survey.index("cluster.host.probe")
    assert len(survey) == len(set(survey))
    assert services.__name__ in needed("cluster.host.launch")


def test_what_a_killed_check_left_goes_at_the_next_one_and_nothing_else(tmp_path: Path) -> None:
    old, fresh = (f".orchestrate-nonce-{letter * 32}" for letter in "ab")
    others = [".orchestrate-nonce-mine", f"x{old}", "model.safetensors", f"{old}.txt"]
    for name in (old, fresh, *others):
        (tmp_path / name).write_text("left")
    folder = tmp_path / f".orchestrate-nonce-{'c' * 32}"
    folder.mkdir()
    long_ago = time.time() - nonce.LEFT_AFTER_S - 1
    for path in (*(tmp_path / name for name in (old, *others)), folder):
        os.utime(path, (long_ago, long_ago))
    nonce.main({"cache": str(tmp_path), "name": "now", "text": "seen"})
    assert {each.name for each in tmp_path.iterdir()} == {fresh, *others, folder.name, "now"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of another user")
def test_a_nonce_of_another_user_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / f".orchestrate-nonce-{'a' * 32}"
    theirs.write_text("left")
    os.utime(theirs, (0, 0))
    os.chown(theirs, 4321, 4321)
    nonce.main({"cache": str(tmp_path), "name": "now", "text": "seen"})
    assert theirs.exists()
