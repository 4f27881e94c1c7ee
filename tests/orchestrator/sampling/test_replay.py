"""`sample replay` finds the token at which a server says something else."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.sampling.compare import compare_chunks
from tests.served.script import Answer, Delivery, Request, Status, Token
from tests.served.server import serving
from tests.support.sampling_model import MODEL, SHORT, metrics, sample, the_file
from tests.support.typed import exit_code

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replay(url: str, path: Path, *words: str) -> int:
    return exit_code("sample", "replay", str(path), "--url", url, *words)


def test_the_same_server_says_the_same(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        asked = [request.body for request in server.heard if request.body]
        capsys.readouterr()
        assert replay(server.url, the_file(folder), "--json") == 0
        again = [request.body for request in server.heard if request.body][len(asked) :]
    report = json.loads(capsys.readouterr().out)
    assert again == asked
    assert report["identical"] is True
    assert (report["share"], report["tokens"], report["matching"]) == (1.0, 60, 60)
    assert (report["first"], report["differences"]) == (None, [])
    [kept] = (folder / "artifacts" / "sample-replay").glob("*/result.json")
    assert json.loads(kept.read_text())["result"] == report


def test_a_server_that_is_not_deterministic_is_found_at_its_token(
    folder: Path, capsys: Printed
) -> None:
    """Chunk 3 has another token at place 7, and chunk 4 ends early."""

    def unsteady(request: Request) -> Delivery:
        found = MODEL(request)
        assert isinstance(found, Answer)
        if request.number < 6:
            return found
        if request.body["seed"] == 424245:
            return found.with_token(7, Token(" other", 4711, -0.26))
        short = request.body["seed"] == 424246
        return Answer(given=found.tokens[:4]) if short else found

    with serving(unsteady, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        capsys.readouterr()
        assert replay(server.url, the_file(folder), "--json") == 1
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    first = report["first"]
    assert (first["chunk"], first["seed"], first["position"]) == (3, 424245, 7)
    assert first["replayed"] == 4711
    assert first["recorded"] not in (None, 4711)
    assert (first["recorded_logprob"], first["replayed_logprob"]) == (-0.25, -0.26)
    assert first["apart"] == pytest.approx(0.01)
    assert (report["identical_chunks"], report["chunks"]) == (4, 6)
    assert (report["matching"], report["tokens"]) == (60 - 3 - 6, 60)
    assert "chunk 3, token 7: was id " in printed.err


def test_another_server_is_named(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
    newer = {"/version": Status(200, '{"version": "0.33.0"}')}
    with serving(MODEL, pages=newer) as server:
        assert replay(server.url, the_file(folder)) == 0
    printed = capsys.readouterr()
    assert "not the recorded server: vllm was 0.32.0, is 0.33.0" in printed.err
    assert "100.0000% (60 of 60)" in printed.out


def test_a_file_without_chunks_proves_nothing(folder: Path, capsys: Printed) -> None:
    with serving(MODEL, pages=metrics()) as server:
        assert sample(server.url, *SHORT) == 0
        path = the_file(folder)
        path.write_text(path.read_text().split("\n")[0] + "\n")
        assert replay(server.url, path) == 2
    assert "holds no chunk" in capsys.readouterr().err


def line(ids: list[int], logprobs: list[float], prompt: tuple[int, ...] = (1,)) -> dict[str, Any]:
    return {
        "index": 0,
        "seed": 1,
        "token_ids": ids,
        "logprobs": logprobs,
        "prompt_token_ids": list(prompt),
    }


def test_a_longer_run_parts_at_the_end_of_the_shorter() -> None:
    found = compare_chunks(line([5, 6], [-1.0, -2.0]), line([5, 6, 7], [-1.0, -2.5, -3.0]))
    assert (found.tokens, found.matching, found.logprobs_apart) == (3, 2, 0.5)
    assert str(found) == "chunk 0, token 2: was the end, is id 7 (logprob -3.0000)"


def test_the_same_tokens_out_of_another_prompt_are_not_the_same() -> None:
    found = compare_chunks(line([5], [-1.0]), line([5], [-1.0], prompt=(1, 2)))
    assert not found.identical
    assert str(found) == "chunk 0: the prompt has other tokens"
