"""Names of a model's modules as quantised checkpoints list them: plain, with `*`, `re:`; pure.

A list may have an entry for every layer, so that entries are sorted by their layer first: a name is
compared with those of its own layer and with those of all layers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

IN_LAYER = re.compile(r"(?:^|\.)(layers\.(\d+)(?:\..*|\*.*)?)$")
DRAFT = re.compile(r"(?:^|\.)mtp(?:\.|\*|$)")  # its layers have numbers of their own
# what a pattern of a file may hold: no quantifier but of a dot, so that it cannot run for long
SAFE_PATTERN = re.compile(r"(?:[\w\-^$|()]|\\[.\-_]|\.\*|\.)+")
MOST_STARS, MOST_CHARACTERS = 6, 300


@dataclass(frozen=True)
class ModuleNames:
    """Which modules a list names; `unread` is what of it could not be understood."""

    exact: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    by_layer: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict)
    patterns: tuple[re.Pattern[str], ...] = ()
    unread: tuple[str, ...] = ()

    @staticmethod
    def read(entries: Iterable[str]) -> "ModuleNames":
        exact: set[str] = set()
        parts: set[str] = set()
        unread: list[str] = []
        by_layer: dict[str, list[re.Pattern[str]]] = {}
        patterns: list[re.Pattern[str]] = []
        for entry in entries:
            if not entry.startswith("re:") and "*" not in entry:
                (exact if "." in entry else parts).add(module_tail(entry).strip("."))
                continue
            found = pattern_of(entry)
            layer = None if DRAFT.search(entry) else IN_LAYER.search(entry)
            if found is None:
                unread.append(f"the name {entry[:60]} in the quantisation")
            elif layer and not entry.startswith("re:"):
                by_layer.setdefault(layer[2], []).append(found)
            else:
                patterns.append(found)
        return ModuleNames(
            frozenset(exact),
            frozenset(parts),
            {number: tuple(each) for number, each in by_layer.items()},
            tuple(patterns),
            tuple(unread[:3]),
        )

    def match(self, module: str) -> bool:
        tail = module_tail(module)
        layer = IN_LAYER.search(tail)
        mine = self.by_layer.get(layer[2], ()) if layer else ()
        return (
            any(name in self.exact for name in parents(tail))
            or not self.parts.isdisjoint(tail.split("."))
            or any(each.match(tail) for each in mine)
            or any(each.match(module) for each in self.patterns)
        )


NONE = ModuleNames()


def module_tail(name: str) -> str:
    """From `layers.N` on, whatever the wrappers around the language model are called."""
    found = None if DRAFT.search(name) else IN_LAYER.search(name)
    return found[1] if found else name


def parents(name: str) -> Iterator[str]:
    """The name and all that it lies in, the nearest first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def pattern_of(entry: str) -> re.Pattern[str] | None:
    """A pattern of a file, if it is one that cannot run for long."""
    if entry.startswith("re:"):
        text = entry[3:]
        sane = len(text) <= MOST_CHARACTERS and text.count(".*") <= MOST_STARS
        if not (sane and SAFE_PATTERN.fullmatch(text)):
            return None
    else:
        text = module_tail(entry)
        if text.count("*") > MOST_STARS or len(text) > MOST_CHARACTERS:
            return None
        text = ".*".join(map(re.escape, text.split("*"))) + "$"
        text = text if text.startswith("layers") or DRAFT.search(entry) else ".*" + text
    try:
        return re.compile(text)
    except re.error:
        return None
