"""Judges a page: tags that match, pictures that are XML, nothing that is fetched."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta"}


class Balance(HTMLParser):
    """Raises AssertionError where an end tag does not belong to the last open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attrs}
        assert tag not in ("script", "link", "iframe", "img")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def require_well_formed(page: str) -> int:
    """How many pictures it holds."""
    assert page.startswith("<!doctype html>")
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []
    assert "@import" not in page
    assert "url(" not in page
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        words = " ".join(root.itertext())
        assert "nan" not in words
        assert "inf" not in words
    return len(pictures)
