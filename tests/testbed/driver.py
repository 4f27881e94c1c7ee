"""The command line as a user of a testbed types it, and what a model on a host answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.testbed.host import Host
from tests.testbed.inventory import VENV, inventory
from tests.testbed.programs import Completed
from tests.testbed.testbed import Testbed

ASK = """
import json, sys, urllib.request
url, body = sys.argv[1], sys.argv[2].encode()
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=120).read().decode())
"""


@dataclass(frozen=True)
class Driver:
    """`orchestrate` on the control station of one testbed."""

    testbed: Testbed
    env: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self, *words: str, timeout_s: float = 300, folder: Path | None = None
    ) -> Completed:
        """Run `orchestrate WORDS`, in the folder where what it writes shall lie."""
        nodes = self.testbed.state / "nodes.toml"
        if not nodes.exists():
            self.write_nodes(inventory(self.testbed))
        env = {"ORCHESTRATE_NODES": str(nodes), **self.env}
        place = ["env", "-C", str(folder)] if folder else []
        return self.testbed.control([*place, command(), *words], env=env, timeout_s=timeout_s)

    def write_nodes(self, text: str) -> Path:
        path = self.testbed.state / "nodes.toml"
        path.write_text(text, "utf-8")
        return path

    def status(self) -> Any:
        return json.loads(self("status", "--json").stdout)


def command() -> str:
    return str(VENV / "bin" / "orchestrate")


def complete(host: Host, port: int, *, tokens: int = 16) -> Any:
    """A greedy completion with its token ids and logprobs, asked on the host's loopback."""
    body = {
        "model": "tiny",
        "prompt": "def main(",
        "max_tokens": tokens,
        "temperature": 0,
        "return_token_ids": True,
    }
    url = f"http://127.0.0.1:{port}/v1/completions"
    asked = host.run([str(VENV / "bin/python"), "-c", ASK, url, json.dumps(body)], timeout_s=150)
    return json.loads(asked.stdout)["choices"][0]
