"""Many calls, against the scripted server."""

import itertools

import pytest

from orchestrator.api.closed_loop import Limits
from orchestrator.api.reply import Failure, Outcome, Reply
from orchestrator.api.request import completion
from tests.orchestrator.api.asking import ask_all
from tests.served.script import Answer, Hang, Slow, Status, every, where
from tests.served.server import serving

CALL = completion("tiny", "Hello")


def test_outcomes_keep_the_order_of_the_calls() -> None:
    seen: list[int] = []
    calls = [CALL.changed(seed=number) for number in range(40)]
    with serving(lambda request: Answer(f"seed {request.body['seed']}")) as server:
        outcomes = ask_all(server.url, calls, Limits(8), lambda number, _: seen.append(number))
        assert server.connections <= 8
    texts = [each.text for each in outcomes if isinstance(each, Reply)]
    assert texts == [f"seed {number}" for number in range(40)]
    assert sorted(seen) == list(range(40))


def test_one_connection_serves_one_request_after_another() -> None:
    with serving(Answer()) as server:
        ask_all(server.url, [CALL, CALL.streamed()] * 10, Limits(1))
        assert server.connections == 1


def test_never_more_at_once_than_the_limit() -> None:
    busy, most = 0, 0
    with serving(Slow(Answer(), 0.005)) as server:

        def calls() -> object:
            nonlocal busy, most
            for _ in range(30):
                busy += 1
                most = max(most, busy)
                yield CALL.streamed()

        def done(number: int, outcome: Outcome) -> None:
            nonlocal busy
            busy -= 1

        ask_all(server.url, calls(), Limits(4), done)  # type: ignore[arg-type]
    assert most == 4


def test_failures_are_values_among_the_others() -> None:
    with serving(every(3, Status(500), Answer())) as server:
        outcomes = ask_all(server.url, [CALL] * 9, Limits(1))
    assert [isinstance(each, Failure) for each in outcomes] == [False, False, True] * 3


def test_the_overall_limit_ends_an_endless_load() -> None:
    hangs = where(lambda request: request.number > 5, lambda _: Hang(), lambda _: Answer())
    with serving(hangs) as server:
        outcomes = ask_all(server.url, itertools.repeat(CALL), Limits(2, total_s=0.5))
    assert len(outcomes) == 8
    assert [each.kind for each in outcomes if isinstance(each, Failure)] == ["timeout", "timeout"]


def test_an_error_of_the_caller_is_the_callers() -> None:
    def done(number: int, outcome: Outcome) -> None:
        raise OSError("no space left on device")

    with serving(Answer()) as server, pytest.raises(OSError, match="no space"):
        ask_all(server.url, [CALL] * 5, Limits(3), done)
