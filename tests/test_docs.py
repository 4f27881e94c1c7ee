"""The pages name what exists."""

import re
from pathlib import Path

import pytest

from tests.support.typed import typed

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FILE = re.compile(r"`((?:cluster|orchestrator|docs|scripts|tests)/[\w./*-]+)`")
NAME = re.compile(r"`((?:cluster|orchestrator)/[\w/]+\.py):(\w+)`")
VERB = re.compile(
    r"(?:^    |`)orchestrate ((?:(?:cluster|models|test|audit) )?[a-z]+)", re.MULTILINE
)


def in_product(text: str) -> bool:
    return any(
        text in path.read_text("utf-8")
        for package in ("cluster", "orchestrator")
        for path in (ROOT / package).rglob("*.py")
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_and_verb_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not [name for name in FILE.findall(text) if not list(ROOT.glob(name.rstrip("/")))]
    for verb in sorted(set(VERB.findall(text))):
        shown = typed(*verb.split(), "--help")
        assert shown.exit_code == 0, verb


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_name_that_a_page_places_in_a_file_is_defined_there(page: Path) -> None:
    """As in `cluster/start.py:StartReport`."""
    wrong = [
        f"{file}:{name}"
        for file, name in NAME.findall(page.read_text("utf-8"))
        if not re.search(
            rf"^(?:def|class) {name}\b|^{name}\b.* = ", (ROOT / file).read_text(), re.M
        )
    ]
    assert not wrong


def test_every_message_of_troubleshooting_is_one_that_the_product_prints() -> None:
    """Its longest piece without `...` stands in the code, or is typer's, pydantic's or sshd's."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    others = {
        *("No such command", "No such option", "Missing option", "Invalid value for"),
        *("Input should be", "error parsing value for field", "Connection refused", "environment"),
    }
    missing = []
    for cell in re.findall(r"^\| (.+?) \|", text, re.MULTILINE):
        for message in re.findall(r"`([^`]+)`", cell):
            piece = max(re.split(r"\.\.\.|\bN\b", message), key=len).strip(" :()-")
            known = any(piece.startswith(other) or other in piece for other in others)
            if not (known or in_product(piece)):
                missing.append(piece)
    assert not missing


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(set(numbers)) == len(numbers)


def test_phrases_that_were_rewritten_in_plain_english_do_not_come_back() -> None:
    phrases = (
        *("each two hosts", "never heard of a model", "that we ask things of", "without eyes"),
        *("leave away", "server well", "mistake of orchestrate", "go on though"),
    )
    sources = [
        path for package in ("cluster", "orchestrator") for path in (ROOT / package).rglob("*.py")
    ]
    found = {
        f"{path.relative_to(ROOT)}: {phrase}"
        for path in (*PAGES, *sources)
        for phrase in phrases
        if phrase in path.read_text("utf-8").lower() and path.name != "changelog.md"
    }
    assert not found
