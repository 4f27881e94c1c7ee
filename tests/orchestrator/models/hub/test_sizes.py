"""Sizes through a hub: headers by range requests, no weights; refusals in the hub's own words."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.models import MIXTURE

COMMIT = "a" * 40
WEIGHTS = 4 << 20
TABLE = {
    f"model.layers.{layer}.mlp.experts.{n}.up_proj.weight": {
        "dtype": "BF16",
        "shape": [768, 2048],
        "data_offsets": [0, WEIGHTS],
    }
    for layer in range(24)
    for n in range(32)
}


class Answers(BaseHTTPRequestHandler):
    """As much of the hub as a plan asks for."""

    sent = 0

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        header = json.dumps(TABLE).encode()
        files = {
            "config.json": json.dumps(MIXTURE).encode(),
            "model.safetensors": len(header).to_bytes(8, "little") + header + bytes(WEIGHTS),
        }
        name = self.path.rpartition("/")[2]
        if self.path.startswith("/closed") or "/models/closed" in self.path:
            self.answer(401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif self.path.startswith("/api/models/"):
            self.answer(200, json.dumps({"id": "some/model", "sha": COMMIT}).encode(), {})
        elif name in files:
            self.part(files[name])
        else:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def part(self, content: bytes) -> None:
        asked = self.headers.get("Range", "")
        about = {"X-Repo-Commit": COMMIT, "ETag": '"e"', "Accept-Ranges": "bytes"}
        if asked and self.command == "GET":
            first, _, last = asked.removeprefix("bytes=").partition("-")
            some = content[int(first) : int(last) + 1 if last else None]
            about["Content-Range"] = f"bytes {first}-{int(first) + len(some) - 1}/{len(content)}"
            self.answer(206, some, about)
        else:
            self.answer(200, content, about)

    def answer(self, status: int, body: bytes, about: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**about, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            Answers.sent += len(body)
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Answers.sent = 0
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def plan(home: Path, endpoint: str, model: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: huggingface_hub reads its environment once."""
    words = ["plan", "--model", "llama-8b-invariant", "--hardware", "h200"]
    words += ["--json", "--set", f"model={model}"]
    code = "from orchestrator.main import main; main()"
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_headers_and_no_weights(tmp_path: Path, endpoint: str) -> None:
    done = plan(tmp_path, endpoint, "some/model")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["source"] == "the hub, some/model@main"
    assert said["weights"] == {"experts": 24 * 32 * 768 * 2048 * 2}
    assert Answers.sent < WEIGHTS / 2


def test_a_gated_model(tmp_path: Path, endpoint: str) -> None:
    done = plan(tmp_path, endpoint, "closed/model")
    assert done.returncode == 1
    assert "closed/model is gated: the hub gives its files only to those" in done.stderr
    assert "HF_TOKEN" in done.stderr


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    done = plan(tmp_path, "http://127.0.0.1:9", "some/model")
    assert done.returncode == 1
    assert "the hub http://127.0.0.1:9 cannot be reached: " in done.stderr
    assert "Traceback" not in done.stderr
