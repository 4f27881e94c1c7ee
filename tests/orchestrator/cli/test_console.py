"""What is not ours rules no terminal, whichever way it takes."""

from collections.abc import Callable

import pytest
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cluster.errors import HostError
from orchestrator.cli.console import Console

HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07",  # writes the clipboard
    "\x1b]0;gotcha\x07",  # sets the title
    "\x1b[2J\x1b[H",  # clears the screen
    "\x9b2J",  # the same in one byte
    "\x90q\x9c\x7f\x08\r",
    "\ud800",  # half a pair: no terminal can be sent it
)


def in_a_table(text: str) -> Table:
    table = Table("host", "note")
    table.add_row(Text(text), escape(text))
    return table


ROADS: tuple[Callable[[Console, str], None], ...] = (
    lambda console, text: console.tell(text),
    lambda console, text: console.progress(text),
    lambda console, text: console.warn(text),
    lambda console, text: console.fail(HostError("h1", text, text, log=text)),
    lambda console, text: console.raw(text),
    lambda console, text: console.show(text),
    lambda console, text: console.show(in_a_table(text)),
)


@pytest.mark.parametrize("number", range(len(ROADS)))
@pytest.mark.parametrize("text", HOSTILE)
def test_no_road_carries_control_characters(
    number: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Console() as console:
        ROADS[number](console, f"before{text}after")
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert "before" in said
    assert not {each for each in said if each != "\n"} & set("\x1b\x07\x08\r\x7f\x9b\x90\x9c")


def test_a_log_goes_into_a_pipe_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Console() as console:
        console.stream("\x1b[31mred\n")
    assert capsys.readouterr().out == "\x1b[31mred\n"
