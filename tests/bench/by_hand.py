"""What a person types instead: ray start over ssh, vllm serve in a shell."""

import json
import shlex
import time
from concurrent.futures import ThreadPoolExecutor

from tests.testbed.host import Host
from tests.testbed.inventory import VENV
from tests.testbed.programs import run
from tests.testbed.testbed import Testbed

LIMIT_S = 180.0
COUNT = """
import json, urllib.request
summary = json.load(urllib.request.urlopen("http://127.0.0.1:8265/nodes?view=summary"))
nodes = summary["data"]["summary"]
print(sum(node["raylet"].get("state") == "ALIVE" for node in nodes))
"""
ASK = """
import json, sys, time, urllib.error, urllib.request
url, model, end = sys.argv[1], sys.argv[2], time.time() + 300
prompt = "Hello, my name is"
body = json.dumps({"model": model, "prompt": prompt, "max_tokens": 8, "temperature": 0})
while time.time() < end:
    try:
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=120).read()
        sys.exit(0)
    except (OSError, urllib.error.URLError):
        time.sleep(0.1)
sys.exit("no answer")
"""


def start_ray(testbed: Testbed) -> None:
    """Head, then the workers side by side, then ask the dashboard until all are alive."""
    head, *workers = testbed.hosts
    common = f"--num-gpus=1 --disable-usage-stats --object-store-memory={1 << 30}"
    ssh(testbed, head, f"{VENV}/bin/ray start --head --node-ip-address={head.fast} {common}")
    with ThreadPoolExecutor(len(workers)) as pool:
        join = f"{VENV}/bin/ray start --address={head.fast}:6379 {common} --node-ip-address="
        list(pool.map(lambda host: ssh(testbed, host, join + host.fast), workers))
    deadline = time.monotonic() + LIMIT_S
    while ssh(testbed, head, f"python3 -c {shlex.quote(COUNT)}", check=False) != str(
        len(testbed.hosts)
    ):
        if time.monotonic() > deadline:
            raise TimeoutError("the hosts never joined")


def ssh(testbed: Testbed, host: Host, command: str, *, check: bool = True) -> str:
    words = testbed.switch.words(testbed.ssh_words(host, command))
    return run(words, timeout_s=LIMIT_S, check=check).stdout.strip()


def serve_bare(testbed: Testbed) -> None:
    """The words and the environment of our own service, as a person would paste them; to the
    first answer, then stop.
    """
    head = testbed.hosts[0]
    spec = json.loads((testbed.state / "spec.json").read_text())
    env = [f"{key}={value}" for key, value in spec["env"].items()]
    with (testbed.state / "bare.log").open("w") as log:
        server = head.popen(["env", *env, *spec["words"]], stdout=log)
        try:
            url = f"http://127.0.0.1:{spec['about']['port']}/v1/completions"
            head.run([str(VENV / "bin/python"), "-c", ASK, url, "tiny"], timeout_s=320)
        finally:
            server.terminate()
            server.wait(60)
