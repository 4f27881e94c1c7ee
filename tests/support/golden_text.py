"""Golden files: whole texts that a person has read and agreed to.

`UPDATE_GOLDEN=1 pytest` writes them anew; read the diff before you commit it.
"""

import os

from tests.support.folders import ROOT

FOLDER = ROOT / "tests" / "golden"


def assert_golden(name: str, text: str) -> None:
    """The text is the file's, to the letter."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text + "\n", "utf-8")
    assert file.exists(), f"no {file}: UPDATE_GOLDEN=1 writes it"
    assert text + "\n" == file.read_text("utf-8")
