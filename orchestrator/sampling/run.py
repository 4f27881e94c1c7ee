"""The verb `sample`: chunk after chunk, each on the disk before the next one is asked for."""

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

LOAD_EVERY_S = 5.0


class SessionWriter:
    """Takes answers in any order, and writes them in the order of their chunks."""

    def __init__(self, begun: Samples, writer: SamplesFile, reporter: Reporter) -> None:
        self.session = begun.session
        self.card = begun.header["server"]["card"]
        self._writer, self._reporter = writer, reporter
        self.kept = self._asked = len(begun.chunks)
        self._tokens = self._before = begun.tokens
        self.answers = 0
        self._held: dict[int, SampleLine] = {}
        self._begun = time.monotonic()

    @property
    def settings(self) -> SessionSettings:
        return self.session.settings

    @property
    def full(self) -> bool:
        return self._tokens >= self.settings.target_tokens

    @property
    def pace(self) -> SamplingRate:
        made, elapsed_s = self._tokens - self._before, time.monotonic() - self._begun
        target = self.settings.target_tokens
        return SamplingRate(self.kept, self._tokens, target, made, elapsed_s)

    def report(self) -> None:
        self._reporter.progress(str(self.pace))

    def take(self) -> Chunk:
        """The next chunk to ask for."""
        self._asked += 1
        return self.session.chunk(self._asked - 1)

    def keep(self, chunk: Chunk, reply: Reply, attempts: int) -> None:
        self.answers += 1
        self._held[chunk.index] = chunk_line(chunk, reply, attempts)
        while not self.full and (line := self._held.pop(self.kept, None)):
            self._writer.append(line)
            self.kept += 1
            self._tokens += len(line["token_ids"])
            self.report()

    def note(self, kind: NoteKind, what: str) -> None:
        """Told now, and kept in the file."""
        self._reporter.warn(what)
        self._writer.append(note_line(kind, what, self.kept))


def run_session(target: Target, session: SessionWriter, timeout_s: float) -> None:
    """Until the session is full. Raises RequestFailed where the server does not answer."""
    session.report()
    with target.http() as http:
        before = read_load(http)
        if before is None:
            session.note("unseen", "whether others use this server meanwhile cannot be seen")
        asyncio.run(send_chunks(target, session, http, timeout_s))
        others = foreign_requests(before, read_load(http), session.answers)
    if others and session.settings.is_reference:
        session.note("others", f"the server answered {others} requests of others meanwhile")


async def send_chunks(
    target: Target, session: SessionWriter, http: httpx.Client, timeout_s: float
) -> None:
    """As many requests at once as the session allows; whoever fills it ends the others."""
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
    session.keep(chunk, reply, attempts)


def require_card_unchanged(target: Target, session: SessionWriter) -> None:
    """Raises UsageError where another model came up while the server was away."""
    if card := card_of(target):
        require_same_card(session.card, card, target.shown)


async def watch_load(session: SessionWriter, http: httpx.Client) -> None:
    """Look now and then, while a request of ours is under way, whether others are there too."""
    at_once, alone = session.settings.concurrency, True
    while seen := await asyncio.to_thread(read_load, http):
        others = seen.in_server - at_once
        if others > 0 and alone:
            session.note("others", f"{others} requests of others are in the server")
        alone = others <= 0
        await asyncio.sleep(LOAD_EVERY_S)
