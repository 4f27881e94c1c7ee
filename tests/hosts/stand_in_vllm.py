"""As much of vLLM as orchestrate touches: the options of `vllm serve`, a log, an OpenAI-like API.

Runs on the hosts as vllm/server.py. The environment makes it fail: STAND_IN_DIES, STAND_IN_MUTE
(completions never come back), STAND_IN_GATE=path (it loads until that file exists).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlparse
from urllib.request import urlopen

POLL_S = 0.05
TRACEBACK = """\
(EngineCore pid=77) ERROR 11-21 09:00:00 [core.py:842] EngineCore failed to start.
(EngineCore pid=77) ERROR 11-21 09:00:00 [core.py:842] Traceback (most recent call last):
(EngineCore pid=77) ERROR 11-21 09:00:00 [core.py:842]   File "core.py", line 833, in run
(EngineCore pid=77) ERROR 11-21 09:00:00 [core.py:842] ValueError: No available memory for the \
cache blocks.
Traceback (most recent call last):
  File "vllm", line 8, in <module>
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
VALUES = ("served-model-name", "tool-call-parser", "reasoning-parser", "host")
NUMBERS = (
    "port",
    "max-model-len",
    "max-num-seqs",
    "gpu-memory-utilization",
    "tensor-parallel-size",
    "pipeline-parallel-size",
    "kv-offloading-size",
)
FLAGS = ("enforce-eager", "trust-remote-code", "enable-auto-tool-choice")


def make_arg_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options, as vLLM's function of that name does."""
    for name in VALUES:
        parser.add_argument(f"--{name}")
    for name in NUMBERS:
        parser.add_argument(f"--{name}", type=float)
    for name in FLAGS:
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction)
    parser.add_argument("--allowed-media-domains", nargs="+")
    parser.add_argument("--middleware", action="append")
    parser.add_argument("--dtype", choices=["auto", "float16", "float32"])
    parser.add_argument("--distributed-executor-backend", choices=["ray", "mp"])
    return parser


class Api(BaseHTTPRequestHandler):
    """/health is always well; a completion wants the key, where there is one."""

    domains: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = os.environ.get("VLLM_API_KEY")
        if key and self.headers["Authorization"] != f"Bearer {key}":
            return self.answer(401, {"error": "Unauthorized"})
        while "STAND_IN_MUTE" in os.environ:
            time.sleep(POLL_S)
        usage = {"prompt_tokens": 1, "completion_tokens": request.get("max_tokens", 1)}
        if "messages" in request:
            return self.look(request["messages"][-1]["content"], usage)
        return self.answer(200, {"choices": [{"text": " and I am"}], "usage": usage})

    def look(self, parts: list[dict[str, Any]], usage: dict[str, int]) -> None:
        """Fetch what is shown, from where that is allowed; say how many bytes it was."""
        urls = [part[part["type"]]["url"] for part in parts if part["type"] != "text"]
        for url in urls:
            domain = urlparse(url).hostname
            if domain and domain not in self.domains:
                message = f"The URL must be from one of the allowed domains: {self.domains}"
                return self.answer(400, {"error": {"message": message}})
        said = " ".join(str(len(urlopen(url, timeout=10).read())) for url in urls)
        choice = {"message": {"content": f"{said} bytes"}, "finish_reason": "stop"}
        return self.answer(200, {"choices": [choice], "usage": usage})

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """`vllm serve MODEL`, with a child as vLLM's engine has one."""
    parser = argparse.ArgumentParser(prog="vllm")
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("model")
    chosen = make_arg_parser(parser).parse_args()
    subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", "EngineCore"])
    print("Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01]", flush=True)
    if "STAND_IN_DIES" in os.environ:
        sys.exit(TRACEBACK)
    gate = os.environ.get("STAND_IN_GATE")
    while gate and not os.path.exists(gate):
        time.sleep(POLL_S)
    print("INFO:     Application startup complete.", flush=True)
    Api.domains = chosen.allowed_media_domains or []
    ThreadingHTTPServer((chosen.host, int(chosen.port)), Api).serve_forever()
