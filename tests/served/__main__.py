"""`python -m tests.served`: in a process of its own, a server that answers at once.

`python -m tests.served TOKENS GAP_S`: one that takes GAP_S seconds for each of so many tokens.
It prints its address and ends when its standard input does.
"""

import json
import sys

from tests.served.script import Answer, Delivery, Late, Request, Status
from tests.served.server import serving
from tests.served.wire import whole

METRICS = """vllm:num_requests_running{engine="0",model_name="tiny"} 1.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 0.0
"""


def at_once(request: Request) -> Delivery:
    return STREAMED if request.streams else WHOLE


def slowly(request: Request) -> Delivery:
    return Late(LONG, gap_s * len(LONG.tokens))


KNOWN = Request("/v1/completions", {}, {"model": "tiny"}, 0)
WHOLE, STREAMED = Status(200, json.dumps(whole(KNOWN, Answer()))), Answer()

if __name__ == "__main__":
    script = at_once
    if len(sys.argv) > 1:
        count, gap_s = int(sys.argv[1]), float(sys.argv[2])
        LONG = Answer(given=Answer(" word" * count).tokens)
        script = slowly
    with serving(script, pages={"/metrics": Status(200, METRICS)}) as server:
        print(server.url, flush=True)
        sys.stdin.read()
