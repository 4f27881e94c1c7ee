"""`test smoke` against the scripted server, from the command line."""

import json
from pathlib import Path

import pytest

from cluster.facts.hosts import Facts
from orchestrator.api.reply import Reply, Timing, Usage
from orchestrator.api.target import Target, choose
from orchestrator.proofs.smoke import check_answers
from tests.served.script import Answer, Broken, Delivery, Status, Token, in_turn
from tests.served.server import serving
from tests.support.factory import config_of, host_facts, service
from tests.support.scripted import Script
from tests.support.typed import exit_code

ADA = Answer(" Ada and I am")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smoke(url: str, *words: str) -> int:
    words = ("test", "smoke", "--url", url, *words)
    return exit_code(*words)


def test_a_good_server_passes(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    with serving(ADA) as server:
        assert smoke(server.url, "--json") == 0
        sent = [request.body for request in server.heard if request.body]
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is True
    assert [each["state"] for each in report["findings"]] == ["pass"] * 4
    assert (report["text"], report["tokens"]) == (" Ada and I am", 4)
    assert 0 < report["first_token_s"] <= report["answer_s"]
    assert [body["temperature"] for body in sent] == [0, 0]
    [kept] = (folder / "artifacts" / "test-smoke").glob("*-tiny/result.json")
    assert json.loads(kept.read_text())["result"] == report


@pytest.mark.parametrize(
    ("delivery", "pages", "said"),
    [
        (
            in_turn(ADA, Answer(" Bob")),
            {},
            "different text at temperature 0: first ' Ada and I am'",
        ),
        (Status(500), {}, "server error: HTTP 500: scripted"),
        (Broken(ADA, 2), {}, "broken: the connection broke"),
        (Answer(""), {}, "the answer is empty"),
        (Answer("!" * 16), {}, "nothing but `!`: first token after"),
        (Answer(" 0" * 16), {}, "nothing but `0`: first token after"),
        (Answer(given=(Token("", 0),) * 16), {}, "16 tokens, and no text that can be read"),
        (Answer(given=(Token("\ufffd", 9),) * 16), {}, "16 tokens, and no text"),
        (ADA, {"/health": Status(503, "dead")}, "HTTP 503 dead"),
        (ADA, {"/v1/models": Status(200, '{"data": []}')}, "serves 0 models"),
    ],
)
def test_a_bad_server_fails_with_the_reason(
    delivery: Delivery,
    pages: dict[str, Status],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(delivery, pages=pages) as server:
        assert smoke(server.url) in (1, 2)
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert "passed" not in printed.out


@pytest.mark.parametrize("text", [" the" * 16, "Yes!!!!!!!!", "!!!", "1, 1, 1, 1"])
def test_what_a_model_may_say_is_not_degenerate(text: str) -> None:
    with serving(Answer(text)) as server:
        assert smoke(server.url) == 0


def test_random_weights_may_say_anything() -> None:
    labels = {"recipe": "tiny", "served_name": "tiny", "host": "127.0.0.1", "port": 8200}
    config = config_of()
    running = service("vllm-tiny", about={**labels, "made_of": {"layers": 2}})
    home = choose(
        Script(), config, Facts((host_facts(config.head, services=(running,)),), ()), None
    )
    reply = Reply("!" * 16, "length", Usage(5, 16), Timing(0, 1))
    first, _ = check_answers(Target("u", "u", "tiny", home=home), reply, reply)
    assert (first.state, first.hint) == ("warning", "its weights are random")


def test_a_model_of_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(ADA) as server:
        assert smoke(server.url, "--model", "huge") == 1
    printed = capsys.readouterr().out
    assert "does not serve `huge`, but tiny" in printed
    assert "HTTP 404: The model `huge` does not exist." in printed


def test_a_server_without_health_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(ADA, pages={"/health": Status(404, "")}) as server:
        assert smoke(server.url) == 0
    assert "warning" in capsys.readouterr().out


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke("http://127.0.0.1:1", "--model", "tiny") == 1
    assert "Connection refused" in capsys.readouterr().out
