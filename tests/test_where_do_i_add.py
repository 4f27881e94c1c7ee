"""The changes that docs/where-do-i-add.md shows: applied to a copy, each brings what it says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHANGES = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (ROOT / "docs" / "where-do-i-add.md").read_text("utf-8")
LOOK = """
from cluster.checks.table import CHECKS
from cluster.runtimes import RUNTIMES
from orchestrator.recipes.hardware import load_hardware
from orchestrator.recipes.recipe import find_recipe
assert [each.run for each in CHECKS if each.name == "hostname"]
assert find_recipe("qwen-30b", None).port == 8300
assert load_hardware()["l40s"].fits("8.9", "NVIDIA L40S")
assert RUNTIMES["niced"].name == "niced"
"""
TYPE = "from orchestrator.main import main; main()"


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with every change of the page."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("cluster", "orchestrator", "scripts"):
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for number, change in enumerate(CHANGES.findall(PAGE)):
        patch = copy / f"{number}.patch"
        patch.write_text(change, "utf-8")
        subprocess.run(["git", "apply", patch.name], cwd=copy, check=True)
    return copy


def python(folder: Path, *words: str) -> str:
    env: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return done.stdout


def test_each_kind_of_thing_has_an_example() -> None:
    titles = re.findall(r"^## \.\.\. (.+)$", PAGE, re.MULTILINE)
    kinds = ["a check", "a recipe", "a kind of hardware", "a runtime", "a host program", "a verb"]
    assert titles == [*kinds, "something else"]
    assert len(CHANGES.findall(PAGE)) == len(kinds)


def test_the_table_entries_and_files_are_found(changed: Path) -> None:
    python(changed, "-c", LOOK)
    assert "qwen-30b" in python(changed, "-c", TYPE, "models", "list")


def test_the_verb_asks_its_host_program_on_this_machine(changed: Path) -> None:
    assert "up for" in python(changed, "-c", TYPE, "cluster", "uptime", "--nodes", "local")
    assert "Since when each host runs." in python(changed, "-c", TYPE, "cluster", "--help")


def test_the_changes_keep_the_floors(changed: Path) -> None:
    shown = python(changed, "-m", "scripts.arrows")
    assert "not down" not in shown
    assert "circle" not in shown
