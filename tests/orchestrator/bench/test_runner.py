"""`bench` against the scripted server, from the command line."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.api.request import completion
from orchestrator.bench.runner import calls_until
from tests.served.script import (
    Answer,
    Broken,
    Delivery,
    Edited,
    Hang,
    Request,
    Slow,
    Status,
    cut_to_max_tokens,
    every,
    in_turn,
)
from tests.served.server import Served, serving
from tests.support.html_pages import require_well_formed
from tests.support.typed import exit_code

SAYS = Answer(" and" * 20)
TOKENS = {"/tokenize": Status(200, json.dumps({"tokens": list(range(300, 364))}))}
SMALL = ("--requests", "6", "--repeats", "2", "--input-tokens", "12", "--output-tokens", "4")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bench(server: Served, *words: str) -> int:
    line = ["bench", "--url", server.url, *SMALL, *words]
    return exit_code(*line)


def kept(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The record and the requests."""
    [made] = (folder / "artifacts" / "bench").glob("*-tiny")
    lines = (made / "requests.jsonl").read_text().splitlines()
    return json.loads((made / "result.json").read_text()), [json.loads(line) for line in lines]


def test_a_ladder_is_measured_shown_and_kept(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    with serving(cut_to_max_tokens(lambda _: SAYS), pages=TOKENS) as server:
        assert bench(server, "--concurrency", "1,3", "--json") == 0
        sent = [request.body for request in server.heard if "max_tokens" in request.body]
    found = json.loads(capsys.readouterr().out)
    assert [step["step"]["value"] for step in found["steps"]] == [1, 3]
    for step in found["steps"]:
        assert (step["answered"], step["failed"], step["repeats"]) == (12, {}, 2)
        assert (step["output_tokens"], step["complete"]) == (48, True)
        assert len(step["figures"]) == 15
    assert len(sent) == 2 + 12 + 3 + 12
    assert {len(body["prompt"]) for body in sent} == {12}
    assert len({tuple(body["prompt"]) for body in sent}) == len(sent)
    record, requests = kept(folder)
    assert record["result"] == found
    assert (record["verb"], record["seed"]) == ("bench", 0)
    assert len(requests) == len(sent)
    assert [line["repeat"] for line in requests].count(0) == 5
    assert {len(line["gaps_s"]) for line in requests} == {3}


def test_arrivals_at_a_rate(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    with serving(cut_to_max_tokens(lambda _: SAYS), pages=TOKENS) as server:
        assert bench(server, "--rate", "200") == 0
    requests = [line for line in kept(folder)[1] if line["repeat"]]
    assert len(requests) == 12
    assert all(0 <= line["late_s"] <= line["total_s"] for line in requests)
    assert "200/s" in capsys.readouterr().out


def test_a_duration_ends_a_repeat(folder: Path) -> None:
    with serving(cut_to_max_tokens(lambda _: SAYS), pages=TOKENS) as server:
        words = ("--url", server.url, "--duration", "0.2", "--repeats", "1", "--concurrency", "2")
        line = ["bench", *words, "--input-tokens", "5", "--output-tokens", "4"]
        assert exit_code(*line) == 0
    assert [line for line in kept(folder)[1] if line["repeat"]]


def test_after_its_moment_nothing_more_is_sent() -> None:
    call = completion("tiny", "Hello")
    now = time.perf_counter()
    assert list(calls_until([call] * 3, now - 1)) == []
    assert list(calls_until([call] * 3, now + 3600)) == [call] * 3


def test_a_server_that_is_not_vllm_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(cut_to_max_tokens(lambda _: SAYS)) as server:
        assert bench(server, "--concurrency", "1") == 0
        bodies = [r.body for r in server.heard if "max_tokens" in r.body]
    assert all(isinstance(body["prompt"], str) and "ignore_eos" not in body for body in bodies)
    assert "prompts are counted in words, not tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("delivery", "kind", "said"),
    [
        (Status(429), "rate limited", "HTTP 429: scripted"),
        (Status(500), "server error", "HTTP 500: scripted"),
        (Status(400), "refused", "HTTP 400: scripted"),
        (Broken(SAYS, 2), "broken", "the connection broke"),
        (Answer(""), "empty answer", "the answer has no tokens"),
        (Hang(), "timeout", "no whole answer within 1 s"),
        (Slow(SAYS, 0.2), "timeout", "no whole answer within 1 s"),
    ],
)
def test_what_fails_is_counted_and_shown(
    delivery: Delivery, kind: str, said: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    good = cut_to_max_tokens(lambda _: SAYS)

    def script(request: Request) -> Delivery:
        return every(4, delivery, good(request))(request)

    with serving(script, pages=TOKENS) as server:
        limit_s = "1" if kind == "timeout" else "30"
        assert bench(server, "--concurrency", "2", "--timeout-s", limit_s) == 1
    [step] = kept(folder)[0]["result"]["steps"]
    assert step["failed"] == {kind: 3}
    assert step["answered"] + 3 == 12
    printed = capsys.readouterr().out
    assert "3 of 12 requests failed" in printed
    assert said in printed


def test_answers_that_are_too_short_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Answer(" and I"), pages=TOKENS) as server:
        assert bench(server, "--concurrency", "1") == 0
    assert "12 answers have fewer than 4 tokens" in capsys.readouterr().out


def test_a_server_that_refuses_the_warm_up_is_asked_no_more(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    with serving(Status(400), pages=TOKENS) as server:
        assert bench(server, "--concurrency", "2") == 1
        assert server.generations == 2
    assert "no warm-up request was answered: refused: HTTP 400" in capsys.readouterr().err
    assert not list((folder / "artifacts" / "bench").iterdir())


def test_a_server_that_dies_on_the_way_leaves_what_was_measured(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    good = cut_to_max_tokens(lambda _: SAYS)

    def script(request: Request) -> Delivery:
        return in_turn(*[good(request)] * 14, Status(503))(request)

    with serving(script, pages=TOKENS) as server:
        assert bench(server, "--concurrency", "1,2") == 1
    assert "INCOMPLETE" in capsys.readouterr().out
    result = kept(folder)[0]["result"]
    assert [step["step"]["value"] for step in result["steps"]] == [1]
    assert "no warm-up request was answered" in result["stopped"]


def without_usage(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "usage"}


def test_a_server_that_counts_no_tokens_is_told(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    with serving(Edited(Answer(" and and and and"), without_usage), pages=TOKENS) as server:
        assert bench(server, "--concurrency", "2") == 0
    [step] = kept(folder)[0]["result"]["steps"]
    assert (step["output_tokens"], step["uncounted"], step["short"]) == (48, 12, 0)
    assert step["figures"]["output_tokens_per_s"]["value"] > 0
    assert "input_tokens_per_s" not in step["figures"]
    assert "12 answers came without usage" in capsys.readouterr().out


def test_the_page_is_well_formed_and_needs_nothing_else(folder: Path) -> None:
    with serving(cut_to_max_tokens(lambda _: SAYS), pages=TOKENS) as server:
        assert bench(server, "--concurrency", "1,2,16") == 0
    [page] = (folder / "artifacts" / "bench").glob("*-tiny/report.html")
    pictures = require_well_formed(page.read_text())
    assert pictures == 7


def test_two_runs_side_by_side(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for delivery in (SAYS, Slow(Answer(" and and and and"), 0.02)):
        script = cut_to_max_tokens(lambda _, found=delivery: found)  # type: ignore[misc]
        with serving(script, pages=TOKENS) as server:
            assert bench(server, "--concurrency", "2") == 0
    a, b = sorted(map(str, (folder / "artifacts" / "bench").iterdir()))
    capsys.readouterr()
    line = ["bench", "compare", a, f"{b}/result.json"]
    assert exit_code(*line) == 0
    shown = capsys.readouterr().out
    assert f"A: {a}" in shown
    assert "worse" in shown
    assert exit_code(*line, "--json") == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["step"] == "2 at once"
    bad = ["bench", "compare", a, "nowhere"]
    assert exit_code(*bad) == 2


@pytest.mark.parametrize(
    "words", [("--concurrency", "0"), ("--duration", "3"), ("--rate", "1", "--concurrency", "1")]
)
def test_wrong_usage(words: tuple[str, ...]) -> None:
    with serving(SAYS) as server:
        assert bench(server, *words) == 2
        assert server.heard == []
