"""When a token counts as arrived, by chunks whose times are given."""

from typing import Any

import pytest

from orchestrator.api.stream_parser import Collector


def arrivals(*choices: dict[str, Any]) -> tuple[float | None, int]:
    """The time of the first token and the number of gaps, one choice each second."""
    collector = Collector(0.0, 0.0)
    for now, choice in enumerate(choices, 1):
        collector.chunk({"choices": [choice]}, float(now))
    timing = collector.timing(10.0)
    return timing.first_token_s, len(timing.gaps_s)


def test_a_token_whose_text_is_held_back_has_arrived() -> None:
    """The first bytes of a character show no text; the token is there all the same."""
    end = {"text": "", "finish_reason": "length"}
    assert arrivals({"text": ""}, {"text": "\N{GRINNING FACE}"}, end) == (1.0, 1)
    chat = [{"delta": {"content": text}} for text in ("", "\N{GRINNING FACE}")]
    assert arrivals(*chat) == (1.0, 1)


@pytest.mark.parametrize(
    "opening", [{"delta": {"role": "assistant", "content": ""}}, {"delta": {"role": "assistant"}}]
)
def test_the_role_is_no_token(opening: dict[str, Any]) -> None:
    assert arrivals(opening, {"delta": {"content": "a"}}) == (2.0, 0)


def test_neither_is_the_end() -> None:
    end = {"delta": {"content": ""}, "finish_reason": "stop"}
    assert arrivals({"delta": {"content": "a"}}, end, {"delta": {}}) == (1.0, 0)
