"""Ray's folder in /tmp: ours alone, or Ray does not start."""

import os
from pathlib import Path

import pytest

from cluster.host.ray_start import SIGN, own_folder


def test_it_is_made_for_us_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        own_folder(str(tmp_path / "ray"))
    finally:
        os.umask(before)
    assert (tmp_path / "ray").stat().st_mode & 0o777 == 0o700


def test_it_is_signed_for_whoever_finds_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATE_SERVICE", "lab/h1/ray-head")
    own_folder(str(tmp_path / "ray"))
    assert (tmp_path / "ray" / SIGN).read_text() == "lab/h1/ray-head"


def test_one_that_stands_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir(mode=0o777)
    own_folder(str(tmp_path / "ray"))
    assert (tmp_path / "ray").stat().st_mode & 0o777 == 0o700


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "ray").symlink_to(tmp_path / "home")
    with pytest.raises(SystemExit, match="is a link"):
        own_folder(str(tmp_path / "ray"))


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ray").write_text("")
    with pytest.raises(SystemExit, match="Ray does not start there"):
        own_folder(str(tmp_path / "ray"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    os.chown(tmp_path / "ray", 12345, 12345)
    with pytest.raises(SystemExit, match="belongs to uid 12345"):
        own_folder(str(tmp_path / "ray"))
