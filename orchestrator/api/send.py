"""Sends one call and gives what came back; the one importer of aiohttp.

httpx is the interface, aiohttp the engine beneath it (docs/decisions/0030-the-request-engine.md).
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator.api.reply import Failure, Kind, Outcome
from orchestrator.api.request import Call
from orchestrator.api.sse import Events
from orchestrator.api.stream_parser import Collector

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 600.0
IDLE_S = 3.0  # below the 5 s after which vLLM closes an idle connection
SHOWN = 300  # characters of a server's own words in a message
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx.ConnectError)
NO_ANSWER = (ValueError, KeyError, TypeError, IndexError, AttributeError)
Hear = Callable[[str], None]


@dataclass(frozen=True)
class Server:
    """An open road to one server. `url` has no /v1; `headers` hold the key."""

    url: str
    transport: httpx.AsyncBaseTransport
    headers: tuple[tuple[str, str], ...] = ()


class NotAnAnswer(Exception):
    """What arrived cannot be read as an answer."""


class ErrorInStream(Exception):
    """The server said in the stream that it failed."""


def unheard(text: str) -> None:
    """Nobody wants the text as it comes."""


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
    """Send one call, once; `hear` gets the text of a stream as it comes.

    Every failure is a value. Repeating is the caller's business, who knows what is safe.
    """
    collector = Collector(time.time(), time.perf_counter())

    def failed(kind: Kind, what: str) -> Failure:
        return collector.failure(kind, what, time.perf_counter())

    try:
        async with asyncio.timeout(timeout_s) as limit:
            return await receive(server, call, collector, hear)
    except NotAnAnswer as error:
        return failed("invalid JSON", str(error))
    except ErrorInStream as error:
        return failed("server error", str(error))
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
        if limit.expired():
            return failed("timeout", f"no whole answer within {timeout_s:g} s")
        cause = error.__cause__ or error
        if isinstance(cause, NOT_SENT):
            return failed("connect", f"no connection to {server.url}: {cause}")
        reason = str(cause).partition(": <")[0] or type(cause).__name__
        return failed("broken", f"the connection broke: {reason}")


async def receive(server: Server, call: Call, collector: Collector, hear: Hear) -> Outcome:
    request = httpx.Request(
        "POST",
        server.url + call.path,
        content=json.dumps(dict(call.body)).encode(),
        headers=server.headers,
        extensions={"timeout": {"connect": CONNECT_LIMIT_S}},
    )
    response = await server.transport.handle_async_request(request)
    try:
        if response.status_code != 200:
            return refusal(response, await response.aread(), collector)
        if call.streams:
            await read_stream(response, collector, hear)
        else:
            body = await response.aread()
            try:
                collector.whole(json.loads(body))
            except NO_ANSWER:
                raise NotAnAnswer(f"no answer in: {shown(body)}") from None
        return ended(collector)
    finally:
        await response.aclose()


async def read_stream(response: httpx.Response, collector: Collector, hear: Hear) -> None:
    """To the very end: a connection that was read to its end can be used again."""
    events = Events()
    async for received in response.aiter_bytes():
        now = time.perf_counter()
        for event in events.feed(received):
            if event == b"[DONE]":
                continue
            try:
                part = json.loads(event)
                if error := part.get("error"):
                    raise ErrorInStream(message_of(error))
                text = collector.chunk(part, now)
            except NO_ANSWER:
                raise NotAnAnswer(f"no part of an answer: {shown(event)}") from None
            if text:
                hear(text)


def ended(collector: Collector) -> Outcome:
    now = time.perf_counter()
    if collector.finish_reason is None:
        return collector.failure("broken", "the answer ended without a finish_reason", now)
    return collector.reply(now)


def refusal(response: httpx.Response, body: bytes, collector: Collector) -> Failure:
    status = response.status_code
    kind: Kind = "refused"
    if status == 429:
        kind = "rate limited"
    elif status >= 500:
        kind = "server error"
    try:
        value = json.loads(body)
        what = message_of(value.get("error", value))
    except NO_ANSWER:
        what = shown(body)
    timing = collector.timing(time.perf_counter())
    return Failure(kind, what, timing, status, retry_after_s(response))


def message_of(error: object) -> str:
    """The words of an error object of OpenAI, or of FastAPI."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    return str(error)[:SHOWN]


def shown(body: bytes) -> str:
    return body.decode(errors="replace").strip()[:SHOWN] or "(nothing)"


def retry_after_s(response: httpx.Response) -> float | None:
    """Retry-After in seconds from now, given as seconds or as a date."""
    value = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
