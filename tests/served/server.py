"""The scripted server itself: asyncio streams in a thread of their own, on loopback."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.served import wire
from tests.served.script import (
    Answer,
    Broken,
    Delivery,
    Edited,
    Hang,
    Late,
    Raw,
    Request,
    Says,
    Script,
    Slow,
    Status,
    always,
)

STEPS_OF_ASYNCIO = 5  # from an accepted connection to the first line of `talk`
GENERATIONS = ("/v1/chat/completions", "/v1/completions")


@dataclass
class Served:
    """A server and what it heard. `pages` replaces or adds answers to GET."""

    script: Script
    model: str = "tiny"
    key: str = ""
    pages: Mapping[str, Delivery] = field(default_factory=dict)
    heard: list[Request] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    generations: int = 0
    port: int = 0
    talks: set[object] = field(default_factory=set)  # asyncio itself holds its tasks but weakly

    @property
    def connections(self) -> int:
        return len(self.writers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str) -> Delivery:
        card = {"id": self.model, "object": "model", "root": self.model, "max_model_len": 2048}
        known: dict[str, Delivery] = {
            "/health": Status(200, ""),
            "/version": Status(200, '{"version": "0.32.0"}'),
            "/v1/models": Status(200, json.dumps({"object": "list", "data": [card]})),
        }
        return {**known, **self.pages}.get(path, Status(404, '{"detail": "Not Found"}'))

    def deliver(self, request: Request) -> Delivery:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return Status(401, '{"error": "Unauthorized"}')
        if request.path not in GENERATIONS:
            return self.page(request.path)
        if request.body.get("model") != self.model:
            message = f"The model `{request.body.get('model')}` does not exist."
            error = {"message": message, "type": "NotFoundError", "param": "model", "code": 404}
            return Status(404, json.dumps({"error": error}))
        return self.script(request)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.writers.append(writer)
        self.talks.add(asyncio.current_task())
        try:
            while await sent(writer, request := await self.read(reader), self.deliver(request)):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def read(self, reader: asyncio.StreamReader) -> Request:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head.split(" ")[1]
        body = json.loads(content) if content else {}
        request = Request(path, headers, body, self.generations)
        self.generations += path in GENERATIONS
        self.heard.append(request)
        return request


async def sent(writer: asyncio.StreamWriter, request: Request, delivery: Delivery) -> bool:
    """Answer; False when the connection is to be lost."""
    if isinstance(delivery, Hang):
        await asyncio.sleep(3600)  # not an Event: nobody else would hold on to this task
    if isinstance(delivery, Late):
        await asyncio.sleep(delivery.after_s)
        delivery = delivery.answer
    if isinstance(delivery, Raw):
        writer.write(delivery.data)
        await writer.drain()
        if delivery.stays:
            await asyncio.sleep(3600)
        writer.write_eof()
        return False
    if isinstance(delivery, Answer | Edited) and not request.streams:
        delivery = Status(200, json.dumps(wire.whole_of(request, delivery)))
    if isinstance(delivery, Status):
        writer.write(response(delivery))
        await writer.drain()
        return True
    return await streamed(writer, request, delivery)


async def streamed(writer: asyncio.StreamWriter, request: Request, delivery: Delivery) -> bool:
    """Send a stream event by event, with the fault that belongs to it."""
    assert isinstance(delivery, Answer | Slow | Broken | Says | Edited)
    answer = delivery if isinstance(delivery, Answer) else delivery.answer
    if isinstance(delivery, Broken) and delivery.after == 0:
        return False
    start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    writer.write(f"{start}\r\n".encode())
    parts = wire.stream(request, answer)
    if isinstance(delivery, Edited):
        parts = wire.edited(parts, delivery)
    for number, data in enumerate(parts):
        if isinstance(delivery, Broken) and number == delivery.after:
            return False
        if isinstance(delivery, Slow):
            await asyncio.sleep(delivery.gap_s)
        if isinstance(delivery, Says) and number == delivery.after:
            data = delivery.text
        event = f"data: {data}\n\n".encode()
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def response(status: Status) -> bytes:
    body = status.text.encode()
    kind = "application/json" if status.text[:1] in "{[" else "text/plain"
    headers = {"content-type": kind, "content-length": str(len(body)), **status.headers}
    lines = [f"HTTP/1.1 {status.code} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def serving(script: Script | Delivery, **options: Any) -> Iterator[Served]:
    """A running server; `options` are Served's. Its connections end with it."""
    served = Served(script if callable(script) else always(script), **options)
    ready: Future[Callable[[], object]] = Future()

    async def run() -> None:
        server = await asyncio.start_server(served.talk, "127.0.0.1", 0)
        served.port = server.sockets[0].getsockname()[1]
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        ready.set_result(lambda: loop.call_soon_threadsafe(ended.set))
        await ended.wait()
        for _ in range(STEPS_OF_ASYNCIO):  # a connection that close() meets half-made is leaked
            await asyncio.sleep(0)
        server.close()  # the requests under way end with asyncio.run
        for writer in served.writers:
            writer.transport.abort()
        ends = (writer.wait_closed() for writer in served.writers)
        await asyncio.gather(*ends, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    end = ready.result(10)
    try:
        yield served
    finally:
        end()
        thread.join(10)
