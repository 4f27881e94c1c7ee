"""`sample` against the scripted server, from the command line."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.served.script import Answer, Broken, Delivery, Hang, Request, Status
from tests.served.server import serving
from tests.support.sampling_model import (
    MODEL,
    SHORT,
    chunks,
    lines,
    metrics,
    sample,
    the_file,
    untimed,
)
from tests.support.typed import exit_code

Printed = pytest.CaptureFixture[str]
SOON = {"Retry-After": "0"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_session_from_header_to_hash(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT, "--json") == 0
        sent = [request.body for request in server.heard if request.body]
    report = json.loads(capsys.readouterr().out)
    path = the_file(folder)
    assert report["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (report["tokens"], report["chunks"]) == (60, 6)
    assert report["reference"] is True
    assert report["finish_reasons"] == {"length": 6}
    header, *found = lines(path)
    assert (header["schema"], header["format"]) == ("orchestrate-samples", 1)
    assert header["settings"]["seed"] == 424242
    assert header["server"]["versions"] == {"vllm": "0.32.0"}
    assert [each["index"] for each in found] == [0, 1, 2, 3, 4, 5]
    assert [each["seed"] for each in found] == [424242 + n for n in range(6)]
    assert [body["seed"] for body in sent] == [each["seed"] for each in found]
    assert [body["messages"] for body in sent] == header["prompts"][:6]
    wanted = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 10, "return_token_ids": True}
    assert all(wanted.items() <= body.items() for body in sent)
    assert all(len(each["token_ids"]) == len(each["logprobs"]) == 10 for each in found)
    assert found[0]["usage"] == {"prompt": 5, "completion": 10}
    assert json.loads((path.parent / "result.json").read_text())["result"] == report


def test_the_connection_is_kept_between_requests() -> None:
    """A few questions before and after have connections of their own."""
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, "--target-tokens", "300", "--chunk-max-tokens", "10") == 0
        assert server.generations == 30
        assert server.connections < 12


def test_prompts_of_a_file_take_turns(folder: Path) -> None:
    (folder / "p.jsonl").write_text(
        '"one"\n\n{"prompt": "two"}\n'
        '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}\n'
    )
    (folder / "p.txt").write_text("alpha\nbeta\n")
    with serving(MODEL) as server:
        assert sample(server.url, *SHORT, "--prompts", "p.jsonl") == 0
        asked = [request.body["messages"] for request in server.heard if request.body]
        found = chunks(the_file(folder))
        shutil.rmtree("artifacts")
        assert sample(server.url, *SHORT, "--prompts", "p.txt") == 0
        texts = [each["messages"][0]["content"] for each in chunks(the_file(folder))]
    assert [each["messages"] for each in found] == asked
    assert [each[-1]["content"] for each in asked] == ["one", "two", "u"] * 2
    assert texts == ["alpha", "beta"] * 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.txt", " \n", "holds no prompt"),
        ("p.jsonl", '"x"\n{"prompt"', "p.jsonl, line 2: not valid JSON"),
        ("p.jsonl", '{"messages": []}', "p.jsonl, line 1: not a prompt"),
        ("none.txt", None, "none.txt: cannot be read"),
    ],
)
def test_what_is_no_prompt(name: str, text: str | None, said: str, capsys: Printed) -> None:
    if text is not None:
        Path(name).write_text(text)
    assert sample("http://127.0.0.1:1", "--model", "tiny", "--prompts", name) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "fault",
    [
        Status(500, headers=SOON),
        Status(429, headers=SOON),
        Status(200, "<html>", SOON),
        Broken(Answer(), 0),
    ],
)
def test_what_passes_is_sent_again_with_the_same_seed(
    fault: Delivery, folder: Path, capsys: Printed
) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
    good = untimed(the_file(folder))
    shutil.rmtree("artifacts")

    def once(request: Request) -> Delivery:
        return fault if request.number == 2 else MODEL(request)

    with serving(once, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        seeds = [request.body["seed"] for request in server.heard if request.body]
    assert seeds == [424242, 424243, 424244, 424244, 424245, 424246, 424247]
    path = the_file(folder)
    assert untimed(path) == good
    assert chunks(path)[2]["timing"]["attempts"] == 2
    [note] = [line for line in lines(path) if line["record"] == "note"]
    assert (note["kind"], note["chunk"]) == ("sent again", 2)
    assert "chunk 2: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "said", "requests"),
    [
        (Status(500, headers=SOON), "server error: HTTP 500: scripted", 6),
        (Status(400, '{"error": {"message": "too long"}}'), "refused: HTTP 400: too long", 1),
        (Hang(), "timeout: no whole answer within 0.3 s", 1),
        (Answer("", given=()), "the answer has no token ids", 1),
    ],
)
def test_what_stays_is_an_error_that_says_how_to_go_on(
    fault: Delivery, said: str, requests: int, folder: Path, capsys: Printed
) -> None:
    def later(request: Request) -> Delivery:
        return fault if request.number >= 2 else MODEL(request)

    with serving(later, pages=metrics()) as server:
        assert sample(server.url, *SHORT, "--timeout-s", "0.3") == 1
        assert server.generations == 2 + requests
        url = server.url
    err = capsys.readouterr().err
    path = the_file(folder).relative_to(folder)
    assert said in err
    assert "2 chunks, 20 of 60 tokens" in err
    assert f"resume with: orchestrate sample --resume {path} --url {url}" in err
    assert not (path.parent / "result.json").exists()
    assert len(chunks(path)) == 2


def test_others_on_the_server_are_seen_told_and_kept(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics(running=3)) as server:
        assert sample(server.url, *SHORT) == 0
    printed = capsys.readouterr()
    assert "the server has 2 requests of others" in printed.err
    assert "NOT a reference session: others used the server" in printed.out
    assert [line["kind"] for line in lines(the_file(folder)) if line["record"] == "note"] == [
        "others"
    ]


def test_requests_of_others_are_counted_at_the_end(capsys: Printed) -> None:
    """Six answers were ours; the server has ended eight since."""
    with serving(MODEL) as server:

        def counting(request: Request) -> Delivery:
            server.pages = metrics(0, request.number + 3)
            return MODEL(request)

        server.pages, server.script = metrics(), counting
        assert sample(server.url, *SHORT) == 0
    assert "the server also answered 2 requests of others" in capsys.readouterr().err


def test_a_server_without_metrics_is_noted(capsys: Printed) -> None:
    with serving(MODEL) as server:
        assert sample(server.url, *SHORT) == 0
    assert "the server does not show whether others use it meanwhile" in capsys.readouterr().err


def test_concurrency_keeps_the_order_and_says_what_it_gives_up(
    folder: Path, capsys: Printed
) -> None:
    """Whoever asks for an even chunk first is refused, so that the odd ones come first."""
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        good = untimed(the_file(folder))
    shutil.rmtree("artifacts")
    refused = set[int]()

    def odd_first(request: Request) -> Delivery:
        seed = request.body["seed"]
        if seed % 2 == 0 and seed not in refused:
            refused.add(seed)
            return Status(429, headers={"Retry-After": "0.05"})
        return MODEL(request)

    with serving(odd_first, pages=metrics()) as server:
        assert sample(server.url, *SHORT, "--concurrency", "4") == 0
    printed = capsys.readouterr()
    assert "NOT a reference session: 4 requests at once" in printed.out
    assert "NOT a reference session: 4 requests at once" in printed.err
    assert untimed(the_file(folder)) == good
    assert lines(the_file(folder))[0]["reference"] is False


def test_options_before_replay_are_not_lost_in_silence(capsys: Printed) -> None:
    assert exit_code("sample", "--seed", "7", "replay", "x.jsonl") == 2
    assert "--seed: must come after `replay`, not before it" in capsys.readouterr().err
