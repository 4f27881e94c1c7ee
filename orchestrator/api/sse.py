"""Server-sent events out of bytes that arrive in any pieces; pure."""

import codecs
import re
from typing import NamedTuple

LINE_END = re.compile(rb"\r\n|\n|\r")


class Event(NamedTuple):
    """What a server sent at once; `name` is mostly empty."""

    data: bytes
    name: bytes = b""


class Events:
    """As WHATWG reads them: comments, other fields and events without data are dropped."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._ends_in_cr = False
        self._first_line = True
        self._data: list[bytes] = []
        self._name = b""

    def feed(self, received: bytes) -> list[Event]:
        """What became whole by these bytes."""
        half_of_crlf = self._ends_in_cr and received.startswith(b"\n")
        self._rest += received[1:] if half_of_crlf else received
        self._ends_in_cr = received.endswith(b"\r")
        whole, begin = [], 0
        for end in LINE_END.finditer(self._rest, self._searched):
            event = self._line(bytes(self._rest[begin : end.start()]))
            begin = end.end()
            if event:
                whole.append(event)
        del self._rest[:begin]
        self._searched = len(self._rest)
        return whole

    def _line(self, line: bytes) -> Event | None:
        if self._first_line:
            self._first_line, line = False, line.removeprefix(codecs.BOM_UTF8)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        return None

    def _dispatch(self) -> Event | None:
        data, name = b"\n".join(self._data), self._name
        self._data, self._name = [], b""
        return Event(data, name) if data.strip() else None
