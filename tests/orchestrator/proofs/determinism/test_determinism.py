"""`test determinism` against servers that are deterministic, and that are not in one way each."""

import json
from collections import UserDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.served.script import (
    Answer,
    Delivery,
    Request,
    Script,
    Status,
    Token,
    cut_to_max_tokens,
    in_turn,
)
from tests.served.server import serving
from tests.support.typed import exit_code

STORY = Answer(" once upon a time there was a walnut in a winter forest", finish_reason="length")
OTHER = STORY.with_token(3, Token(" night", 77, -0.7, others=((" time", 48_211, -0.75),)))
CLOSER = STORY.with_token(3, replace(STORY.tokens[3], logprob=-0.2500001))
FEW = ("--requests", "12", "--concurrency", "3", "--tokens", "8", "--seed", "5")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@dataclass
class Model:
    """Says `usual`, and `other` where `differs` says so of a compared request."""

    differs: Callable[["Model", Request], bool]
    other: Answer = OTHER
    usual: Answer = STORY
    salts: list[str] = field(default_factory=list)
    background: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Delivery:
        if "cache_salt" not in request.body:
            self.background.append(request)
            return STORY
        found = self.other if self.differs(self, request) else self.usual
        self.salts.append(request.body["cache_salt"])
        return found


def determinism(script: Script, *words: str, **options: Any) -> int:
    with serving(cut_to_max_tokens(script), **options) as server:
        line = ("test", "determinism", "--url", server.url, *FEW, *words)
        return exit_code(*line)


def kept(folder: Path) -> dict[str, Any]:
    [path] = (folder / "artifacts" / "test-determinism").glob("*/result.json")
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def states(folder: Path) -> dict[str, str]:
    return {each["check"]: each["state"] for each in kept(folder)["result"]["findings"]}


def never(model: Model, request: Request) -> bool:
    return False


def test_a_deterministic_server_passes(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    model = Model(never)
    assert determinism(model, "--json") == 0
    record = kept(folder)
    report = record["result"]
    assert json.loads(capsys.readouterr().out) == report
    assert {*states(folder).values()} == {"pass", "warning"}
    assert states(folder)["prefix cache"] == "warning"  # the scripted server counts none
    [answer] = report["comparison"]["answers"]
    assert answer["conditions"] == {
        "alone, cold": 2,
        "alone, warm": 2,
        "under load, cold": 6,
        "under load, warm": 6,
    }
    assert len(answer["tokens"]) == 8
    assert report["comparison"]["token_sequences"] == 1
    assert (record["seed"], report["request"]["concurrency"]) == (5, 3)


def test_the_requests_are_what_they_claim_to_be(folder: Path) -> None:
    """Cold ones have a salt that no request before had; the background is as long as recorded."""
    model = Model(never)
    determinism(model)
    salts = model.salts
    assert len(set(salts[:2])) == 2
    assert set(salts[2:4]) == {salts[0]}
    assert len(set(salts[4:10]) | set(salts[:2])) == 8
    assert set(salts[10:]) == {salts[0]}
    recorded = [(each["words"], each["tokens"]) for each in kept(folder)["result"]["background"]]
    sent = [(len(r.body["prompt"].split()), r.body["max_tokens"]) for r in model.background]
    assert sorted(sent) == sorted(recorded)
    assert len(set(sent)) > 1
    again = Model(never)
    determinism(again)
    shared = min(len(model.background), len(again.background))
    pairs = zip(recorded[:shared], background_of(folder)[:shared], strict=True)
    assert all(one == two for one, two in pairs)
    assert not set(salts) & set(again.salts)


def background_of(folder: Path) -> list[tuple[int, int]]:
    latest = max((folder / "artifacts" / "test-determinism").glob("*/result.json"))
    background = json.loads(latest.read_text())["result"]["background"]
    return [(each["words"], each["tokens"]) for each in background]


def when_loaded(model: Model, request: Request) -> bool:
    return bool(model.background)


def when_warm(model: Model, request: Request) -> bool:
    return request.body["cache_salt"] in model.salts


def once(model: Model, request: Request) -> bool:
    return len(model.salts) == 7


@pytest.mark.parametrize(
    ("differs", "failing", "first"),
    [
        (once, {"under load, cold"}, 8),
        (when_loaded, {"under load, cold", "under load, warm"}, None),
        (when_warm, {"alone, warm", "under load, warm"}, 3),
    ],
)
def test_another_token(
    differs: Callable[[Model, Request], bool],
    failing: set[str],
    first: int | None,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
) -> None:
    """The report says where answers diverge, between which tokens, and how close they were."""
    assert determinism(Model(differs)) == 1
    assert {check for check, state in states(folder).items() if state == "failure"} == failing
    comparison = kept(folder)["result"]["comparison"]
    assert comparison["token_sequences"] == 2
    divergence = comparison["divergences"][0]
    assert first in (None, divergence["request"])
    assert divergence["position"] == 3
    here, reference = divergence["here"], divergence["reference"]
    assert (here["token"], here["own"], here["others"]) == (77, -0.7, None)
    assert (reference["own"], reference["others"]) == (-0.25, None)
    printed = capsys.readouterr().out
    assert "diverges at token 3: " in printed
    assert "then 'time there was a walnut' there, 'night there was a walnut' here" in printed
    assert "FAILED" in printed


def test_how_close_the_two_tokens_were(capsys: pytest.CaptureFixture[str]) -> None:
    time = STORY.tokens[3]
    usual = STORY.with_token(3, Token(" time", time.id, -0.70, others=((" night", 77, -0.72),)))
    other = STORY.with_token(3, Token(" night", 77, -0.705, others=((" time", time.id, -0.715),)))
    assert determinism(Model(when_warm, other, usual)) == 1
    printed = capsys.readouterr().out
    assert f"{time.id} (-0.700000, 0.020000 above the other) in the first answer" in printed
    assert "77 (-0.705000, 0.010000 above the other) here" in printed


@pytest.mark.parametrize(
    ("words", "code", "state"), [((), 0, "warning"), (("--bitwise",), 1, "failure")]
)
def test_the_same_tokens_with_other_logprobs(
    words: tuple[str, ...],
    code: int,
    state: str,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
) -> None:
    assert determinism(Model(when_warm, CLOSER), *words) == code
    assert states(folder)["logprobs"] == state
    comparison = kept(folder)["result"]["comparison"]
    assert (comparison["token_sequences"], len(comparison["answers"])) == (1, 2)
    said = "the same tokens in 8 answers, but logprobs differ by up to 1e-07; first in request 3"
    assert said in capsys.readouterr().out


def test_an_answer_that_ends_sooner(capsys: pytest.CaptureFixture[str]) -> None:
    short = Answer(" once upon a time", finish_reason="stop")
    assert determinism(Model(when_warm, short)) == 1
    assert "(end) here" in capsys.readouterr().out


def test_an_answer_that_repeats_itself_is_a_weak_test(folder: Path) -> None:
    assert determinism(Model(never, usual=Answer(" seek" * 8))) == 0
    assert states(folder)["requests"] == "warning"
    assert "answers of 8 tokens (1 distinct token)" in kept(folder)["result"]["findings"][0]["what"]


def test_a_failure_ends_the_test(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    script = in_turn(STORY, STORY, STORY, Status(500))
    assert determinism(script) == 1
    assert "request 4 (alone, warm) failed: server error: HTTP 500: scripted" in (
        capsys.readouterr().out
    )
    assert kept(folder)["result"]["background"] == []


def test_a_background_load_that_is_refused_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def script(request: Request) -> Delivery:
        return STORY if "cache_salt" in request.body else Status(400)

    assert determinism(script) == 1
    assert "of the background load failed: refused: HTTP 400: scripted" in capsys.readouterr().out


def test_a_server_without_token_ids_and_logprobs(capsys: pytest.CaptureFixture[str]) -> None:
    text = json.dumps({"choices": [{"text": "hm", "finish_reason": "stop"}]})
    assert determinism(lambda request: Status(200, text)) == 1
    assert "nothing can be compared token by token" in capsys.readouterr().out


@pytest.mark.parametrize(("warm_hits", "state"), [(500, "pass"), (0, "warning")])
def test_the_prefix_cache_is_looked_at(warm_hits: int, state: str, folder: Path) -> None:
    class Pages(UserDict[str, Status]):
        """/metrics as it grows with the requests that hit."""

        def __getitem__(self, path: str) -> Status:
            hits = warm_hits * sum(s in model.salts[:n] for n, s in enumerate(model.salts))
            return Status(200, f'vllm:prefix_cache_hits_total{{engine="0"}} {hits}.0\n')

    model = Model(never)
    assert determinism(model, pages=Pages({"/metrics": Status(404)})) == 0
    assert states(folder)["prefix cache"] == state


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["test", "determinism", "--url", "http://127.0.0.1:1", "--model", "tiny"]
    assert exit_code(*line) == 1
    assert "Connect call failed" in capsys.readouterr().out
