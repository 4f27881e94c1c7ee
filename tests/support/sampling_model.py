"""What tests of `sample` share: a scripted model that keeps to its seed, the command line."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.served.script import Answer, Request, Script, Status, cut_to_max_tokens
from tests.support.typed import exit_code

LENGTH = 12
METRICS = (
    'vllm:num_requests_running{engine="0",model_name="tiny"} %s\n'
    'vllm:num_requests_waiting{engine="0",model_name="tiny"} 0.0\n'
    'vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} %s\n'
    'vllm:request_success_total{engine="0",finished_reason="abort",model_name="tiny"} 9.0\n'
)
MAIN = "from orchestrator.main import main; main()"
SHORT = ("--target-tokens", "60", "--chunk-max-tokens", "10")


def seeded(request: Request) -> Answer:
    """Other words for another seed or another prompt, always the same for the same."""
    asked, seed = request.body["messages"][0]["content"], request.body["seed"]
    words = (f" w{(seed * 31 + place * place + len(asked)) % 997}" for place in range(LENGTH))
    return Answer("".join(words))


MODEL: Script = cut_to_max_tokens(seeded)


def metrics(running: int = 0, ended: int = 0) -> dict[str, Status]:
    return {"/metrics": Status(200, METRICS % (running, ended))}


def sample(url: str, *words: str) -> int:
    return exit_code("sample", "--url", url, *words)


def command(url: str, *words: str) -> list[str]:
    """For a process of its own."""
    return [sys.executable, "-c", MAIN, "sample", "--url", url, *words]


def the_file(folder: Path) -> Path:
    [found] = (folder / "artifacts" / "sample").glob("*/samples.jsonl")
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def chunks(path: Path) -> list[dict[str, Any]]:
    return [line for line in lines(path) if line["record"] == "chunk"]


def untimed(path: Path) -> list[str]:
    """The chunks word for word, but for their timing."""
    return [json.dumps({**each, "timing": None}) for each in chunks(path)]
