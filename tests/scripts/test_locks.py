"""Every package that the scripts install is pinned with hashes; pip takes nothing else."""

import re
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(.*)$")


def hashes(lock: str) -> dict[str, list[str]]:
    """Hashes of each package of a lock; fails on a line that is neither."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (SCRIPTS / lock).read_text("utf-8").splitlines():
        if entry := ENTRY.match(line):
            name = entry[1].lower()
            assert name not in found, f"{lock}: {name} twice"
            found[name] = []
        elif hash_of := re.match(r"^    --hash=sha256:([0-9a-f]{64})( \\)?$", line):
            found[name].append(hash_of[1])
        else:
            assert line.lstrip().startswith("#"), f"{lock}: {line}"
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "torch.lock", "tools.lock"])
def test_every_package_of_a_lock_has_hashes(lock: str) -> None:
    assert [name for name, found in hashes(lock).items() if not found] == []


def test_what_pyproject_and_the_lists_name_is_locked() -> None:
    asked = {"requirements.lock": "requirements.in", "tools.lock": "tools.in"}
    for lock, list_of in asked.items():
        names = re.findall(r"^([a-z0-9-]+)", (SCRIPTS / list_of).read_text("utf-8"), re.MULTILINE)
        assert set(names) <= set(hashes(lock)), list_of


def test_scripts_install_only_what_is_hashed() -> None:
    """Without an index only what lies in the checkout is built."""
    text = (SCRIPTS / "install").read_text("utf-8") + (SCRIPTS / "tool").read_text("utf-8")
    calls = re.findall(r"pip(?:\"? --\S+)? install (?:.*\\\n)*.*", text)
    calls = [call for call in calls if call.startswith("pip")]
    plain = [call for call in calls if "--require-hashes" not in call]
    assert len(calls) == 5
    assert all("--no-build-isolation" in call or call.endswith(" -e .") for call in plain)
