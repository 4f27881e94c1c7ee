"""The verb `sample`: chunk after chunk, each on the disk before the next is sent."""

import asyncio
import time

import httpx

from cluster.reporter import Reporter
from orchestrator.api.reply import Failure, Reply
from orchestrator.api.send import Server, connected
from orchestrator.api.target import Target
from orchestrator.sampling.file_format import NoteKind, SampleLine, Samples, chunk_line, note_line
from orchestrator.sampling.rate import SamplingRate
from orchestrator.sampling.request import send_with_retries
from orchestrator.sampling.same_server import card_of, require_same_card
from orchestrator.sampling.server_load import foreign_requests, read_load
from orchestrator.sampling.session import Chunk, SessionSettings
from orchestrator.sampling.writer import SamplesFile

LOAD_INTERVAL_S = 5.0


class SessionWriter:
    """Accepts answers in any order and writes them in the order of their chunks."""

    def __init__(self, start: Samples, writer: SamplesFile, reporter: Reporter) -> None:
        self.session = start.session
        self.card = start.header["server"]["card"]
        self._writer, self._reporter = writer, reporter
        self.written = self._sent = len(start.chunks)
        self._tokens = self._before = start.tokens
        self.answers = 0
        self._waiting: dict[int, SampleLine] = {}
        self._started = time.monotonic()

    @property
    def settings(self) -> SessionSettings:
        return self.session.settings

    @property
    def full(self) -> bool:
        return self._tokens >= self.settings.target_tokens

    @property
    def rate(self) -> SamplingRate:
        made, elapsed_s = self._tokens - self._before, time.monotonic() - self._started
        target = self.settings.target_tokens
        return SamplingRate(self.written, self._tokens, target, made, elapsed_s)

    def report(self) -> None:
        self._reporter.progress(str(self.rate))

    def take(self) -> Chunk:
        """The next chunk to send."""
        self._sent += 1
        return self.session.chunk(self._sent - 1)

    def add(self, chunk: Chunk, reply: Reply, attempts: int) -> None:
        self.answers += 1
        self._waiting[chunk.index] = chunk_line(chunk, reply, attempts)
        while not self.full and (line := self._waiting.pop(self.written, None)):
            self._writer.append(line)
            self.written += 1
            self._tokens += len(line["token_ids"])
            self.report()

    def note(self, kind: NoteKind, what: str) -> None:
        """Shown now, and written to the file."""
        self._reporter.warn(what)
        self._writer.append(note_line(kind, what, self.written))


def run_session(target: Target, session: SessionWriter, timeout_s: float) -> None:
    """Samples until the session is full. Raises RequestFailed where the server does not answer."""
    session.report()
    with target.http() as http:
        before = read_load(http)
        if before is None:
            session.note("unseen", "the server does not show whether others use it meanwhile")
        asyncio.run(send_chunks(target, session, http, timeout_s))
        others = foreign_requests(before, read_load(http), session.answers)
    if others and session.settings.is_reference:
        session.note("others", f"the server also answered {others} requests of others")


async def send_chunks(
    target: Target, session: SessionWriter, http: httpx.Client, timeout_s: float
) -> None:
    """Sends as many at once as the session allows; the one that fills it cancels the others."""
    at_once = session.settings.concurrency
    async with connected(target.url, target.key, connections=at_once) as server:

        async def work() -> None:
            while not session.full:
                await send_chunk(target, session, server, timeout_s)
            for task in tasks:
                task.cancel()

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(watch_load(session, http))]
                tasks += [group.create_task(work()) for _ in range(at_once)]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


async def send_chunk(
    target: Target, session: SessionWriter, server: Server, timeout_s: float
) -> None:
    chunk = session.take()

    def waits(failure: Failure, pause_s: float) -> None:
        what = f"chunk {chunk.index}: {failure.kind}: {failure}; sent again after {pause_s:g} s"
        session.note("sent again", what)

    call = session.session.call(target.model, chunk)
    reply, attempts = await send_with_retries(server, call, target.shown, timeout_s, waits)
    if attempts > 1:
        require_card_unchanged(target, session)
    session.add(chunk, reply, attempts)


def require_card_unchanged(target: Target, session: SessionWriter) -> None:
    """Raises UsageError where the server came back with another model."""
    if card := card_of(target):
        require_same_card(session.card, card, target.shown)


async def watch_load(session: SessionWriter, http: httpx.Client) -> None:
    """Checks every few seconds whether the server has requests of others."""
    at_once, alone = session.settings.concurrency, True
    while seen := await asyncio.to_thread(read_load, http):
        others = seen.in_server - at_once
        if others > 0 and alone:
            session.note("others", f"the server has {others} requests of others")
        alone = others <= 0
        await asyncio.sleep(LOAD_INTERVAL_S)
