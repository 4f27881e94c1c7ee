"""Server-sent events out of any pieces."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.sse import Event, Events

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20).map(str.encode)


def fed(text: bytes, cuts: list[int]) -> list[bytes]:
    events, found, last = Events(), list[Event](), 0
    for cut in [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]:
        found += events.feed(text[last:cut])
        last = cut
    return [event.data for event in found]


@given(
    st.lists(LINE, max_size=6), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0))
)
def test_where_the_bytes_are_cut_makes_no_difference(
    data: list[bytes], end: bytes, cuts: list[int]
) -> None:
    text = b"".join(b": a comment" + end + b"data: " + line + end + end for line in data)
    assert fed(text, cuts) == [line for line in data if line.strip()]


def test_fields_and_lines() -> None:
    events = Events()
    both = Event(b"one\ntwo", b"x")
    assert events.feed(b"event: x\nid: 1\ndata:one\ndata: two\n\n\n\ndata: rest") == [both]
    assert events.feed(b"\n") == []
    assert events.feed(b"\n") == [Event(b"rest")]
