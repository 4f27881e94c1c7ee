"""What `sample` loses against a bare loop that sends the same requests and keeps nothing.

`scripts/bench sample` on a scripted server of a fixed time for each token;
`python -m tests.bench.sampling URL` on a real one.
"""

import contextlib
import http.client
import json
import sys
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit

from cluster.reporter import SILENT
from orchestrator.api.request import Call
from orchestrator.api.target import Wanted, open_target
from orchestrator.sampling.open_session import new_session, start_session
from orchestrator.sampling.run import SessionWriter, run_session
from orchestrator.sampling.session import SampleSession
from tests.bench.load import served_apart
from tests.bench.timing import HEADER, Row, seconds

ROUNDS, CHUNKS, TOKENS, GAP_S = 3, 8, 1024, 0.002
REAL_CHUNKS, REAL_TOKENS = 8, 256


def ours(url: str, session: SampleSession) -> tuple[int, float]:
    """Into a file, as the verb does: chunks, and seconds from the first look to the last record."""
    with open_target(Wanted(url)) as target, start_session(target, session, None) as file:
        keeper = SessionWriter(file.samples, file.writer, SILENT)
        taken = seconds(lambda: run_session(target, keeper, 600))
    return keeper.written, taken


def bare(url: str, calls: list[Call]) -> None:
    place = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(place.netloc)) as connection:
        for call in calls:
            body = json.dumps(dict(call.body))
            connection.request("POST", call.path, body, {"Content-Type": "application/json"})
            json.loads(connection.getresponse().read())


def rounds(url: str, session: SampleSession, chunks: int) -> tuple[list[float], list[float]]:
    """In turn; ours and bare. Those of ours go into a folder that is thrown away."""
    found, other = [], []
    calls = [session.call("tiny", session.chunk(index)) for index in range(chunks)]
    bare(url, calls[:1])
    with tempfile.TemporaryDirectory(dir=".") as folder, contextlib.chdir(folder):
        for _ in range(ROUNDS):
            other.append(seconds(lambda: bare(url, calls)))
            made, taken = ours(url, session)
            assert made == chunks
            found.append(taken)
    return found, other


def bench_sample() -> Iterator[Row]:
    given = {"target_tokens": CHUNKS * TOKENS, "chunk_max_tokens": TOKENS}
    with served_apart(str(TOKENS), str(GAP_S)) as url:
        found, other = rounds(url, new_session(given, None), CHUNKS)
    what = f"sample, {CHUNKS} x {TOKENS} tokens, {1 / GAP_S:.0f} a second"
    yield Row(what, found, other, "ratio <= 1.02")


def main(url: str) -> None:
    """A real server may end a chunk early: as many chunks as the session took are asked for."""
    given = {"target_tokens": REAL_CHUNKS * REAL_TOKENS, "chunk_max_tokens": REAL_TOKENS}
    session = new_session(given, None)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        chunks, _ = ours(url, session)
    found, other = rounds(url, session, chunks)
    print(HEADER)
    print(Row(f"sample, {chunks} chunks of {REAL_TOKENS}, real", found, other, "ratio <= 1.02"))


if __name__ == "__main__":
    main(sys.argv[1])
