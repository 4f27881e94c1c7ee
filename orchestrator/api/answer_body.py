"""The body of an answer of HTTP 200: whole or a stream, or what came in its place; pure."""

from collections.abc import Iterator

from orchestrator.api.answer_json import NotJson, read_json
from orchestrator.api.fields import NoAnswer, NotAnAnswer
from orchestrator.api.reply import Outcome, Piece
from orchestrator.api.server_words import body_words, error_words, message_of, shown
from orchestrator.api.sse import Event, Events
from orchestrator.api.stream_parser import Collector

MOST_BYTES = 256 << 20  # 128k tokens with 20 logprobs each have 130 MiB
HEAD = 65536  # bytes that are kept to tell what came in place of a stream
ERROR, DONE = b"error", b"[DONE]"
PINGS = (b"ping", b"keepalive", b"keep-alive", b"heartbeat")
FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")  # how a line of a stream begins
GAVE_UP = ("error", "abort")  # how vLLM, and proxies, end an answer that failed


class ErrorInAnswer(NoAnswer):
    """The server said within an answer of HTTP 200 that it failed."""

    kind = "server error"


class NoStream(NoAnswer):
    """A whole answer came, though a stream was asked for."""

    kind = "no stream"


def read_whole(body: bytes, collector: Collector) -> None:
    """Raises NotAnAnswer, ErrorInAnswer."""
    try:
        value = read_json(body)
    except NotJson:
        if is_stream(body):
            raise NotAnAnswer(f"a stream came, though none was asked for: {shown(body)}") from None
        raise NotAnAnswer(f"no answer in: {body_words(body)}") from None
    if words := error_words(value):
        raise ErrorInAnswer(f"HTTP 200, and yet an error: {words}")
    try:
        collector.whole(value)
    except NotAnAnswer as error:
        raise NotAnAnswer(f"no answer, since {error}: {shown(body)}") from None


def is_stream(body: bytes) -> bool:
    return body.lstrip().startswith(FIELDS)


class AnswerStream:
    """Bytes of a stream in any pieces, read into a collector."""

    def __init__(self, collector: Collector) -> None:
        self.done = False
        self._collector = collector
        self._events = Events()
        self._head = bytearray()
        self._bytes = 0
        self._has_events = False

    def feed(self, received: bytes, now: float) -> Iterator[Piece]:
        """Raises NotAnAnswer, ErrorInAnswer."""
        self._bytes += len(received)
        if self._bytes > MOST_BYTES:
            raise NotAnAnswer(f"the stream has more than {MOST_BYTES >> 20} MiB")
        if not self._has_events:
            self._head += received[: HEAD - len(self._head)]
        for event in self._events.feed(received):
            self._has_events = True
            if event.data.strip().startswith(DONE):
                self.done = True
            elif not self.done and event.name not in PINGS:
                yield self._read(event, now)

    def _read(self, event: Event, now: float) -> Piece:
        is_error = event.name == ERROR
        try:
            part = read_json(event.data)
        except NotJson:
            if is_error:
                raise ErrorInAnswer(shown(event.data)) from None
            raise NotAnAnswer(f"no part of an answer: {body_words(event.data)}") from None
        if words := error_words(part) or (message_of(part) if is_error else None):
            raise ErrorInAnswer(words)
        try:
            return self._collector.chunk(part, now)
        except NotAnAnswer as error:
            what = f"no part of an answer, since {error}: {shown(event.data)}"
            raise NotAnAnswer(what) from None

    def require_events(self) -> None:
        """Raises NoStream, NotAnAnswer, ErrorInAnswer for a body of another kind."""
        body = bytes(self._head)
        if self._has_events or not body.strip() or is_stream(body):
            return
        try:
            value = read_json(body)
        except NotJson:
            value = None
        if words := error_words(value):
            raise ErrorInAnswer(f"HTTP 200, and yet an error: {words}")
        if isinstance(value, dict) and value.get("choices"):
            raise NoStream(f"a whole answer came in place of a stream: {shown(body)}")
        raise NotAnAnswer(f"no stream of events, but {body_words(body)}")

    @property
    def how_it_ended(self) -> str:
        if self.done:
            return "the server ended the stream with [DONE], but gave no finish_reason"
        if not self._bytes:
            return "the answer has no body"
        return "the stream was cut off: it ended without [DONE] and without a finish_reason"


def conclude_answer(collector: Collector, stream: AnswerStream | None, now: float) -> Outcome:
    """The reply, or why it is none. `stream` where one was asked for.

    Raises NoStream, NotAnAnswer, ErrorInAnswer for a body that was no stream.
    """
    if stream:
        stream.require_events()
    reason = collector.finish_reason
    if reason is None:
        what = stream.how_it_ended if stream else "the answer has no finish_reason"
        return collector.failure("broken", what, now)
    if reason in GAVE_UP:
        what = f"the server ended the answer with finish_reason `{reason}`"
        return collector.failure("server error", what, now)
    return collector.reply(now)
