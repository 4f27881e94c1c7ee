"""`python -m tests.served`: in a process of its own, a server that answers at once.

It prints its address and ends when its standard input does.
"""

import json
import sys

from tests.served.script import Answer, Request, Status
from tests.served.server import serving
from tests.served.wire import whole

if __name__ == "__main__":
    known = Request("/v1/completions", {}, {"model": "tiny"}, 0)
    at_once, streamed = Status(200, json.dumps(whole(known, Answer()))), Answer()
    with serving(lambda request: streamed if request.streams else at_once) as server:
        print(server.url, flush=True)
        sys.stdin.read()
