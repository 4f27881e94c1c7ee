"""Valid things made wrong: what a broken or hostile program writes in place of what it should."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

DEEP: Any = json.loads("[" * 300 + "]" * 300)
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    "",
    "x",
    "\x00",
    "\ud800",
    "²",
    "9" * 400,
    "../x",
    "a\nb",
    [],
    {},
    [None],
    [[]],
    {"": None},
    ["x", 1],
    DEEP,
)
RAW = (  # JSON that Python cannot say, or ought not to
    "NaN",
    "-Infinity",
    "1e400",
    "9" * 5000,
    "[" * 100_000,
    '{"a":' * 100_000,
    '"\\ud800"',
    "tru",
    '{"a": 1, "a": []}',
)
DEEPEST = 8
MARK = "here-stands-raw-json"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside, the whole included."""
    yield path
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, each in inner if len(path) < DEEPEST else ():
        yield from places(each, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return copy.deepcopy(new)
    made = copy.deepcopy(value)
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = copy.deepcopy(new)
    return made


def without(value: Any, path: tuple[Any, ...]) -> Any:
    made = copy.deepcopy(value)
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return made


@st.composite
def mutated(draw: st.DrawFn, value: Any, most: int = 3) -> Any:
    """The value with up to so many parts taken away, doubled, or replaced by something odd."""
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(list(places(value))))
        kind = draw(st.sampled_from(["odd", "odd", "without", "wrapped", "doubled"]))
        here = value
        for key in path:
            here = here[key]
        if kind == "odd" or not path:
            value = changed(value, path, draw(st.sampled_from(ODD)))
        elif kind == "without":
            value = without(value, path)
        elif kind == "wrapped":
            value = changed(value, path, [here])
        else:
            value = changed(value, path, [here, here] if not isinstance(here, list) else here * 2)
        if not isinstance(value, dict | list):
            break
    return value


@st.composite
def mutated_json(draw: st.DrawFn, value: Any) -> bytes:
    """The value's JSON after changes to the value, to its text and to its bytes."""
    value = draw(mutated(value))
    raw = draw(st.none() | st.sampled_from(RAW))
    if raw is not None:
        value = changed(value, draw(st.sampled_from(list(places(value)))), MARK)
    text = json.dumps(value).replace(f'"{MARK}"', raw or "")
    return draw(mutated_bytes(text.encode()))


@st.composite
def mutated_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The same bytes in most cases; else cut off, doubled, dropped, or overwritten somewhere."""
    kind = draw(st.sampled_from(["same", "same", "same", "cut", "drop", "double", "write"]))
    if kind == "same" or not content:
        return content
    start = draw(st.integers(0, len(content) - 1))
    end = draw(st.integers(start, min(len(content), start + 40)))
    if kind == "cut":
        return content[:start]
    if kind == "drop":
        return content[:start] + content[end:]
    if kind == "double":
        return content[:end] + content[start:]
    odd = draw(st.sampled_from([b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n\n", b"\r", b"}", b'"']))
    return content[:start] + odd + content[end:]
