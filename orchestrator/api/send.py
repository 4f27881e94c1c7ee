"""Sends one call and gives what came back; the one importer of aiohttp.

httpx is the interface, aiohttp the engine beneath it (docs/decisions/0030-the-request-engine.md).
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator.api.answer_body import (
    MOST_BYTES,
    AnswerStream,
    conclude_answer,
    read_whole,
)
from orchestrator.api.fields import NoAnswer, NotAnAnswer
from orchestrator.api.reply import Failure, Kind, Outcome, Piece
from orchestrator.api.request import Call
from orchestrator.api.server_words import body_words
from orchestrator.api.stream_parser import Collector

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 600.0
IDLE_S = 3.0  # below the 5 s after which vLLM closes an idle connection
DRAIN_S = 1.0  # for what follows [DONE]
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx.ConnectError)
LOST = (httpx.TransportError, aiohttp.ClientError, OSError)
Hear = Callable[[Piece], None]


@dataclass(frozen=True)
class Server:
    """An open road to one server. `url` has no /v1; `headers` hold the key."""

    url: str
    transport: httpx.AsyncBaseTransport
    headers: tuple[tuple[str, str], ...] = ()


def unheard(piece: Piece) -> None:
    """Nobody wants the answer as it comes."""


@asynccontextmanager
async def connected(url: str, key: str = "", *, connections: int = 1) -> AsyncIterator[Server]:
    """A server for at most `connections` requests at once; further ones wait for their turn."""
    headers = [("content-type", "application/json"), ("accept-encoding", "identity")]
    if key:
        headers.append(("authorization", f"Bearer {key}"))
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=IDLE_S)
    encrypted = url.startswith("https:")  # else there is nothing to verify: reading CAs takes 20 ms
    async with AiohttpTransport(verify=encrypted, limits=limits) as transport:
        yield Server(url, transport, tuple(headers))


async def send(
    server: Server, call: Call, *, timeout_s: float = ANSWER_LIMIT_S, hear: Hear = unheard
) -> Outcome:
    """Send one call, once; `hear` gets the pieces of a stream as they come.

    Every failure is a value. Repeating is the caller's business, who knows what is safe.
    """
    collector = Collector(time.time(), time.perf_counter())

    def failed(kind: Kind, what: str) -> Failure:
        return collector.failure(kind, what, time.perf_counter())

    try:
        async with asyncio.timeout(timeout_s) as limit:
            return await receive(server, call, collector, hear)
    except NoAnswer as error:
        return failed(error.kind, str(error))
    except httpx.DecodingError as error:
        return failed("invalid JSON", f"the body is not compressed as its header says: {error}")
    except LOST as error:
        if limit.expired():
            return failed("timeout", f"no whole answer within {timeout_s:g} s")
        return failed(*lost_connection(server, error))


def lost_connection(server: Server, error: Exception) -> tuple[Kind, str]:
    """Whether anything had been sent, and why no answer came."""
    cause = error.__cause__ or error
    if isinstance(cause, NOT_SENT):
        return "connect", f"no connection to {server.url}: {cause}"
    reason = " ".join(str(cause).partition(": <")[0].split()) or type(cause).__name__
    return "broken", f"the connection broke: {reason}"


async def receive(server: Server, call: Call, collector: Collector, hear: Hear) -> Outcome:
    request = httpx.Request(
        "POST",
        server.url + call.path,
        content=json.dumps(dict(call.body)).encode(),
        headers=server.headers,
        extensions={"timeout": {"connect": CONNECT_LIMIT_S}},
    )
    try:
        response = await server.transport.handle_async_request(request)
    except UnicodeError:  # httpx-aiohttp's, where the status line has bytes of no encoding
        raise NotAnAnswer("the status line of the answer is not text") from None
    try:
        if response.status_code != 200:
            return refusal(response, await limited_body(response), collector)
        if not call.streams:
            read_whole(await limited_body(response), collector)
            return conclude_answer(collector, None, time.perf_counter())
        stream = AnswerStream(collector)
        return conclude_answer(collector, stream, await read_stream(response, stream, hear))
    except NotAnAnswer as error:
        coding = response.headers.get("content-encoding")
        raise NotAnAnswer(
            f"{error} (content-encoding {coding})" if coding else str(error)
        ) from None
    finally:
        await response.aclose()


async def limited_body(response: httpx.Response) -> bytes:
    """Raises NotAnAnswer for more than any answer has."""
    body = bytearray()
    async for received in response.aiter_bytes():
        body += received
        if len(body) > MOST_BYTES:
            raise NotAnAnswer(f"the answer has more than {MOST_BYTES >> 20} MiB")
    return bytes(body)


async def read_stream(response: httpx.Response, stream: AnswerStream, hear: Hear) -> float:
    """When the answer had ended. A connection that was read to its end can be used again."""
    chunks = response.aiter_bytes()
    async for received in chunks:
        now = time.perf_counter()
        for piece in stream.feed(received, now):
            hear(piece)
        if stream.done:
            await drain(chunks)
            return now
    return time.perf_counter()


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read on, though not for long: some servers never end what they have ended with [DONE]."""
    with suppress(*LOST, httpx.DecodingError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


def refusal(response: httpx.Response, body: bytes, collector: Collector) -> Failure:
    status = response.status_code
    kind: Kind = "refused"
    if status == 429:
        kind = "rate limited"
    elif status >= 500:
        kind = "server error"
    timing = collector.timing(time.perf_counter())
    return Failure(kind, body_words(body), timing, status, retry_after_s(response))


def retry_after_s(response: httpx.Response) -> float | None:
    """Retry-After in seconds from now, given as seconds or as a date."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
