"""A session that ended early goes on at exactly the next chunk, on the same server alone."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cluster.errors import OrchestrateError
from orchestrator.sampling.file_format import parse_samples
from tests.served.script import Delivery, Hang, Request, Script, Status
from tests.served.server import Served, serving
from tests.support.samples import chunk, content_of, header
from tests.support.sampling_model import (
    MODEL,
    SHORT,
    chunks,
    command,
    lines,
    metrics,
    sample,
    the_file,
    untimed,
)
from tests.testbed.programs import poll

Printed = pytest.CaptureFixture[str]
HEADER = content_of(header({})).decode()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hangs_at(number: int) -> Script:
    def script(request: Request) -> Delivery:
        return Hang() if request.number == number else MODEL(request)

    return script


def whole_session(folder: Path) -> list[str]:
    """The chunks of a session that nothing disturbed."""
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
    found = untimed(the_file(folder))
    shutil.rmtree("artifacts")
    return found


def stopped_at(server: Served, sign: signal.Signals, *words: str) -> tuple[int, str]:
    """Run until the server has the third request and hangs there; exit code, standard error."""
    with subprocess.Popen(command(server.url, *SHORT, *words), stderr=subprocess.PIPE) as run:
        poll(lambda: server.generations == 3, "the third request", timeout_s=30)
        run.send_signal(sign)
        assert run.stderr
        return run.wait(30), run.stderr.read().decode()


@pytest.mark.parametrize("torn", [b"", b'{"record": "chunk", "index": 2, "se'])
def test_after_a_kill_the_rest_is_the_same_byte_for_byte(torn: bytes, folder: Path) -> None:
    good = whole_session(folder)
    with serving(hangs_at(2), pages=metrics()) as server:
        stopped_at(server, signal.SIGKILL)
        path = the_file(folder)
        assert untimed(path) == good[:2]
        with path.open("ab") as file:
            file.write(torn)
        assert sample(server.url, "--resume", str(path)) == 0
        seeds = [request.body["seed"] for request in server.heard if request.body]
    assert untimed(path) == good
    assert seeds == [424242, 424243, 424244, 424244, 424245, 424246, 424247]
    [note] = [line for line in lines(path) if line["record"] == "note"]
    assert (note["kind"], note["chunk"]) == ("resumed", 2)
    assert json.loads((path.parent / "result.json").read_text())["result"]["tokens"] == 60


def test_ctrl_c_stops_at_a_record_and_says_how_to_go_on(folder: Path) -> None:
    with serving(hangs_at(2), pages=metrics()) as server:
        code, err = stopped_at(server, signal.SIGINT)
        path = the_file(folder)
        line = f"orchestrate sample --resume {path.relative_to(folder)} --url {server.url}"
        assert code == 130
        assert "2 chunks, 20 of 60 tokens" in err
        assert line in err
        assert "Traceback" not in err
        assert path.read_bytes().endswith(b"}\n")
        assert sample(*([server.url, *line.split()[2:4]])) == 0
    assert len(chunks(path)) == 6


def test_concurrent_chunks_that_were_not_yet_in_order_are_asked_again(folder: Path) -> None:
    good = whole_session(folder)
    with serving(hangs_at(0), pages=metrics()) as server:
        words = command(server.url, *SHORT, "--concurrency", "2")
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as run:
            poll(lambda: server.generations >= 4, "four requests", timeout_s=30)
            run.kill()
        path = the_file(folder)
        assert len(chunks(path)) == 0
        assert sample(server.url, "--resume", str(path)) == 0
    assert untimed(path) == good


def test_every_byte_at_which_a_run_can_be_killed(folder: Path) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
    content = the_file(folder).read_bytes()
    header = content.index(b"\n") + 1
    for cut in range(header, len(content) + 1):
        found, kept = parse_samples(content[:cut], "f"), content[:cut].rpartition(b"\n")[0] + b"\n"
        assert found.whole == len(kept)
        assert found.torn == cut - len(kept)
        assert len(found.chunks) == kept.count(b"\n") - 1
    for cut in range(header):
        with pytest.raises(OrchestrateError, match=r"holds no samples|is empty"):
            parse_samples(content[:cut], "f")


def test_a_file_that_is_complete_stays_as_it_is(folder: Path) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        before = the_file(folder).read_bytes()
        assert sample(server.url, "--resume", str(the_file(folder))) == 0
        assert server.generations == 6
    assert the_file(folder).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "7"], "--seed was 424242, is 7"),
        (["--top-p", "0.5"], "--top-p was 0.95, is 0.5"),
        (["--chunk-max-tokens", "11"], "--chunk-max-tokens was 10, is 11"),
        (["--concurrency", "2"], "--concurrency was 1, is 2"),
        (["--prompts", "p.txt"], "--prompts was built in, is p.txt"),
    ],
)
def test_other_parameters_are_refused(
    words: list[str], said: str, folder: Path, capsys: Printed
) -> None:
    Path("p.txt").write_text("another prompt\n")
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        before = the_file(folder).read_bytes()
        assert sample(server.url, "--resume", str(the_file(folder)), *words) == 2
    assert f"started with other options: {said}" in capsys.readouterr().err
    assert the_file(folder).read_bytes() == before


CARD = '{"data": [{"id": "%s", "root": "%s", "max_model_len": 2048}]}'


@pytest.mark.parametrize(
    ("model", "pages", "said"),
    [
        ("tiny", {"/version": Status(200, '{"version": "0.33.0"}')}, "vllm was 0.32.0"),
        ("tiny", {"/v1/models": Status(200, CARD % ("tiny", "/x"))}, "card.root was tiny, is /x"),
        ("huge", {}, "served name was tiny, is huge"),
    ],
)
def test_another_server_is_refused(
    model: str, pages: dict[str, Status], said: str, folder: Path, capsys: Printed
) -> None:
    with serving(hangs_at(2), pages=metrics()) as server:
        assert sample(server.url, *SHORT, "--timeout-s", "0.2") == 1
    before = the_file(folder).read_bytes()
    with serving(MODEL, model=model, pages={**metrics(), **pages}) as server:
        assert sample(server.url, "--resume", str(the_file(folder))) == 2
        assert server.generations == 0
    assert f"another server: {said}" in capsys.readouterr().err
    assert the_file(folder).read_bytes() == before


def test_another_model_that_came_up_in_between_is_refused(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:

        def swapped(request: Request) -> Delivery:
            if request.number != 2:
                return MODEL(request)
            server.pages = {**metrics(), "/v1/models": Status(200, CARD % ("tiny", "/other"))}
            return Status(503, headers={"Retry-After": "0"})

        server.script = swapped
        assert sample(server.url, *SHORT) == 2
    assert "card.root was tiny, is /other" in capsys.readouterr().err
    assert len(chunks(the_file(folder))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ('{"x": 1}\n', "holds no samples"),
        ('{"schema": "orchestrate-samples", "format": 9}\n', "this version knows format 1"),
        ('{"schema": "orchestrate-samples", "format": 1}\n', "line 1: damaged: record: "),
        (HEADER + "xx\n", "line 2: damaged"),
        (HEADER + "[" * 100_000 + "\n", "line 2: damaged: not a JSON object"),
        (HEADER + '{"record": "chunk", "index": 0}\n', "line 2: damaged: seed: Field required"),
        (
            HEADER + content_of(chunk(4, [1])).decode(),
            "line 2: damaged: chunk 4 where chunk 0 should be",
        ),
    ],
)
def test_what_is_no_file_to_go_on_with(text: str, said: str, capsys: Printed) -> None:
    Path("f.jsonl").write_text(text)
    assert sample("http://127.0.0.1:1", "--model", "tiny", "--resume", "f.jsonl") in (1, 2)
    assert said in capsys.readouterr().err
    assert sample("http://127.0.0.1:1", "--model", "tiny", "--resume", "none.jsonl") == 2


def test_two_runs_do_not_write_one_file(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        held = os.open(the_file(folder), os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert sample(server.url, "--resume", str(the_file(folder))) == 1
        finally:
            os.close(held)
    assert "another `orchestrate sample` is writing this file" in capsys.readouterr().err
