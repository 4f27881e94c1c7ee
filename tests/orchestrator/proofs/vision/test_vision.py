"""`test vision` against servers that see, that guess, and that fetch what they should not."""

import base64
import json
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.errors import UsageError
from cluster.reporter import SILENT
from orchestrator.api.errors import ALL_REASONING
from orchestrator.api.target import Target
from orchestrator.proofs.vision.cases import BY_URL, OUTSIDE, inline_cases, media_file, only_word
from orchestrator.proofs.vision.run import vision
from tests.served.script import Answer, Delivery, Request, Script, Status
from tests.served.server import Served, serving
from tests.support.typed import exit_code

BASE = "http://127.0.0.1:8080/orchestrate-test-1"
RED, GREEN, BLUE = (220, 20, 20), (20, 160, 40), (20, 40, 220)
NAMES = {RED: "Red", GREEN: "Green", BLUE: "Blue"}
RULE = "The URL must be from one of the allowed domains: ['127.0.0.1']. Input URL domain: x"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error(code: int, message: str) -> Status:
    return Status(code, json.dumps({"error": {"message": message}}))


def seen(url: str) -> str:
    """What a vision model says of a PNG or of the video."""
    if url.endswith("video.avi") or url.startswith("data:video/"):
        return "Red Blue"
    name = url.rpartition("/")[2]
    data = media_file(name) if name in BY_URL else base64.b64decode(url.partition(",")[2])
    pixels = zlib.decompress(data[data.index(b"IDAT") + 4 :])
    red, green, blue = pixels[1:4]
    return NAMES.get((red, green, blue), "7")


def urls_of(request: Request) -> list[str]:
    found = []
    for message in request.body["messages"]:
        parts = message["content"] if isinstance(message["content"], list) else ()
        found += [part[part["type"]]["url"] for part in parts if part["type"] != "text"]
    return found


def sees(request: Request) -> Delivery:
    urls = urls_of(request)
    if OUTSIDE in urls:
        return error(400, RULE)
    last = request.body["messages"][-1]["content"][-1]["text"]
    if last == "Say only: ready.":
        return Answer("ready")
    return Answer(" ".join(map(seen, urls)))


def states_of(script: Script, base: str | None = BASE) -> tuple[dict[str, str], Served]:
    with serving(script) as server:
        report = vision(Target(server.url, server.url, "tiny"), base, SILENT)
    return {each.check: each.state for each in report.findings}, server


def failing(script: Script) -> set[str]:
    return {check for check, state in states_of(script)[0].items() if state == "failure"}


def test_a_picture_is_of_one_colour() -> None:
    made = media_file("red.png")
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", made[16:24]) == (256, 256)
    start = made.index(b"IDAT")
    length = struct.unpack(">I", made[start - 4 : start])[0]
    pixels = zlib.decompress(made[start + 4 : start + 4 + length])
    assert pixels == (b"\0" + bytes(RED) * 256) * 256


def test_the_video_says_its_own_sizes() -> None:
    made = media_file("video.avi")
    assert struct.unpack("<I", made[4:8])[0] == len(made) - 8
    index, movi = made.index(b"idx1") + 8, made.index(b"movi")
    frames = []
    for number in range(8):
        place, size = struct.unpack("<II", made[index + 16 * number + 8 :][:8])
        frames.append(made[movi + place + 8 :][:size])
    assert all(frame[:2] + frame[-2:] == b"\xff\xd8\xff\xd9" for frame in frames)
    assert [frames.index(frame) for frame in frames] == [0, 0, 0, 0, 4, 4, 4, 4]


def test_a_model_that_sees_passes() -> None:
    states, server = states_of(sees)
    assert set(states.values()) == {"pass"}
    assert list(states) == [
        *("red picture", "blue picture", "digit", "several images", "several turns"),
        *("image by URL", "video by URL", "URL from elsewhere"),
    ]
    turns = [r.body["messages"] for r in server.heard if len(r.body["messages"]) == 3]
    assert [message["role"] for message in turns[0]] == ["user", "assistant", "user"]
    assert turns[0][1]["content"] == "ready"


@pytest.mark.parametrize("guess", ["Red", "Blue", "7", "No picture.", "Red, green or blue, 7"])
def test_a_server_that_ignores_pictures_fails(guess: str) -> None:
    def blind(request: Request) -> Delivery:
        return sees(request) if OUTSIDE in urls_of(request) else Answer(guess)

    assert len(failing(blind)) >= 5


def test_a_server_that_forgets_the_first_turn_fails() -> None:
    def forgets(request: Request) -> Delivery:
        last = request.body["messages"][-1:]
        return sees(replace(request, body={**request.body, "messages": last}))

    assert failing(forgets) == {"several turns"}


def test_a_server_that_mixes_the_order_up_fails() -> None:
    def mixed(request: Request) -> Delivery:
        said = sees(request)
        assert isinstance(said, Answer | Status)
        if isinstance(said, Answer):
            return Answer(" ".join(reversed(said.text.split())))
        return said

    assert failing(mixed) == {"several images", "video by URL"}


@pytest.mark.parametrize(
    "delivery",
    [
        Answer("Red"),
        error(500, "Cannot connect to host outside.invalid:80"),
        error(400, "Name or service not known"),
    ],
)
def test_a_url_from_elsewhere_must_be_refused_by_a_rule(delivery: Delivery) -> None:
    assert failing(lambda r: delivery if OUTSIDE in urls_of(r) else sees(r)) == {
        "URL from elsewhere"
    }


def test_a_model_that_takes_no_pictures_is_the_wrong_one() -> None:
    with pytest.raises(UsageError, match="takes no images: tiny is not a multimodal model"):
        states_of(lambda request: error(400, "tiny is not a multimodal model"))


def test_another_400_is_a_failure_with_the_servers_words() -> None:
    refusal = error(400, "max_tokens is too large")
    assert "red picture" in failing(lambda r: refusal if r.number == 0 else sees(r))


def test_an_answer_that_was_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert "red picture" in failing(lambda r: Answer("Red " * 9, finish_reason="length"))


def test_an_answer_that_came_as_reasoning_names_the_parser() -> None:
    with serving(lambda request: Answer("", reasoning="It is red.")) as server:
        proof = vision(Target(server.url, server.url, "tiny"), BASE, SILENT)
    first = proof.findings[0]
    assert (first.state, first.hint) == ("failure", ALL_REASONING)
    assert "no text, but reasoning: 'It is red.'" in first.what


def test_from_the_command_line_without_a_media_server(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    with serving(sees) as server:
        line = ["test", "vision", "--url", server.url, "--json"]
        assert exit_code(*line) == 0
    report = json.loads(capsys.readouterr().out)
    states = {each["check"]: each["state"] for each in report["findings"]}
    assert states["image by URL"] == "warning"
    assert states["video in the request"] == "pass"
    [kept] = (folder / "artifacts" / "test-vision").glob("*/result.json")
    assert json.loads(kept.read_text())["result"] == report


@pytest.mark.parametrize(
    ("answer", "right"),
    [("Red.", True), ("The picture is RED", True), ("red or blue", False), ("reddish", False)],
)
def test_only_one_colour_is_an_answer(answer: str, right: bool) -> None:
    assert bool(re.search(only_word("red", "green", "blue"), answer, re.I | re.S)) is right
    assert inline_cases()[0].is_right(answer) is right
