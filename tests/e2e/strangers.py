"""Everybody who has no secret tries every port of a cluster that serves: from the control station,
from the other host, and as another user of the host itself.
"""

import json
from typing import Any

from tests.testbed.host import Host
from tests.testbed.inventory import VENV
from tests.testbed.testbed import Testbed

SSH = 22
VLLM = "127.0.0.1:8200"  # on loopback it serves whoever may log in: docs/security.md
DASHBOARD_PAGE = ["127.0.0.1:8265", "/"]  # Ray's own HTML; what it shows, it asks for with a token
MARKER = "/tmp/a-stranger-was-here"
# runs where the stranger is; prints what each port gave: [address, question, answer]
TRY = """
import http.client, json, os, sys
from concurrent.futures import ThreadPoolExecutor
from ray._raylet import GcsClient
user = int(os.environ.get("STRANGER", 0))
if user:  # the interpreter itself may lie where only root may look
    os.setgroups([]), os.setgid(user), os.setuid(user)
job = json.dumps({"entrypoint": "touch MARKER"})
paths = [("GET", p, None) for p in ("/", "/nodes?view=summary", "/api/jobs/", "/logs", "/metrics")]
paths += [("POST", "/api/job_agent/jobs/", job), ("POST", "/api/jobs/", job)]
paths += [("POST", "/get_runtime_envs_info", ""), ("GET", "/v1/models", None)]
def ask(address, method, path, body):
    link = http.client.HTTPConnection(address, timeout=3)
    try:
        link.request(method, path, body, {"Content-Type": "application/json"})
        return link.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        link.close()
def nodes(address):
    try:
        return len(GcsClient(address=address).get_all_node_info(timeout=3))
    except Exception as error:
        return type(error).__name__
def attempts(address):
    found = []
    for method, path, body in paths:
        found.append([address, path, ask(address, method, path, body)])
        if not isinstance(found[-1][2], int):
            break
    if address.endswith(":6379"):
        found.append([address, "nodes of Ray", nodes(address)])
    return found
with ThreadPoolExecutor(32) as pool:
    for found in pool.map(attempts, sys.argv[1:]):
        print(*map(json.dumps, found), sep="\\n")  # from one thread: lines of many run together
""".replace("MARKER", MARKER)


def listeners(host: Host) -> list[tuple[str, int]]:
    """(address, port) of all that listens on a host, but for sshd."""
    places = [line.split()[3] for line in host.run("ss -ltnH").stdout.splitlines()]
    found = [place.rpartition(":") for place in places]
    return sorted({(address, int(port)) for address, _, port in found} - {("0.0.0.0", SSH)})


def reached(host: Host, addresses: tuple[str, ...]) -> list[str]:
    """What a stranger can name of it, at these addresses of the host."""
    return [
        f"{each}:{port}"
        for address, port in listeners(host)
        for each in addresses
        if port != SSH and address in ("0.0.0.0", "*", "[::]", each)
    ]


def answers(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines() if line.startswith("[")]


def get_nothing(testbed: Testbed) -> None:
    """Fail if anybody got code to run, a file or a list."""
    python = str(VENV / "bin/python")
    first, second = testbed.hosts[:2]
    as_other = ["env", "STRANGER=12345", "HOME=/tmp"]
    got: list[Any] = []
    for host, other in ((first, second), (second, first)):
        outside = reached(host, (host.management,))
        got += answers(testbed.control([python, "-c", TRY, *outside], timeout_s=240).stdout)
        nearby = reached(host, (host.fast,))
        got += answers(other.run([python, "-c", TRY, *nearby], timeout_s=240).stdout)
        within = [each for each in reached(host, ("127.0.0.1", host.fast)) if each != VLLM]
        words = [*as_other, python, "-c", TRY, *within]
        got += answers(host.run(words, timeout_s=240).stdout)
    assert len({address for address, _, _ in got}) > 10, got
    lists = [each for each in got if each[1] == "nodes of Ray" and isinstance(each[2], int)]
    pages = [each for each in got if each[2] == 200 and each[:2] != DASHBOARD_PAGE]
    wrong = [*lists, *pages]
    assert not wrong, wrong
    assert not [host for host in testbed.hosts if host.run(f"ls {MARKER}", check=False).stdout]
