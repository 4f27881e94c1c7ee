"""What the probe says of services."""

import json
import os
from pathlib import Path

import pytest

from cluster.host.probe import guarded_fact, our_services, ray_folders, versions


def test_secrets_do_not_leave_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".orchestrate/only-in-this-test/h1/vllm-tiny"
    folder.mkdir(parents=True)
    env = {"VLLM_API_KEY": "sesame", "HF_TOKEN": "sesame", "OMP_NUM_THREADS": "1"}
    (folder / "spec.json").write_text(json.dumps({"env": env}))
    monkeypatch.setenv("HOME", str(tmp_path))
    [service] = our_services("only-in-this-test", "h1", {})
    assert service["env"] == {"VLLM_API_KEY": "****", "HF_TOKEN": "****", "OMP_NUM_THREADS": "1"}


def test_a_fact_that_cannot_be_read_is_named_and_takes_no_other_away() -> None:
    unread: dict[str, str] = {}

    def refused() -> None:
        raise PermissionError(13, "Permission denied", "/root/venv/bin/python")

    assert guarded_fact(unread, "versions", {}, refused) == {}
    assert guarded_fact(unread, "odd", [], int, "x") == []
    assert guarded_fact(unread, "good", 0, int, "7") == 7
    assert unread["versions"] == "/root/venv/bin/python: Permission denied"
    assert unread["odd"].startswith("ValueError: ")
    assert unread.keys() == {"versions", "odd"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not enter")
def test_a_python_where_we_may_not_go_is_no_missing_folder(tmp_path: Path) -> None:
    """uv's environments link to a Python below the home of whoever made them."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "root").mkdir(mode=0o700)
    (tmp_path / "root/python").touch()
    (tmp_path / "venv/bin/python").symlink_to(tmp_path / "root/python")
    reader, writer = os.pipe()
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    if os.fork() == 0:
        os.setuid(65534)
        try:
            versions(tmp_path / "venv")
        except PermissionError:
            os.write(writer, b"told")
        os._exit(0)
    os.close(writer)
    os.wait()
    assert os.read(reader, 10) == b"told"
    os.close(reader)


def test_rays_folders_are_those_that_this_cluster_signed(tmp_path: Path) -> None:
    for name, sign in {"a": "lab/h1/ray-head", "b": "lab2/h1/ray-head", "c": ""}.items():
        (tmp_path / f"ray-{name}").mkdir()
        (tmp_path / f"ray-{name}/.orchestrate").write_text(sign)
    (tmp_path / "ray-d").mkdir()
    (tmp_path / "ray-e").symlink_to(tmp_path / "ray-a")
    assert ray_folders("lab", str(tmp_path)) == [str(tmp_path / "ray-a")]
