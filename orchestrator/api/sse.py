"""Server-sent events out of bytes that arrive in any pieces; pure."""


class Events:
    """The `data` of each event; comments and other fields are dropped. Lines end in LF or CRLF."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """What became whole by these bytes."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        whole = []
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                whole.append(b"\n".join(self._data))
                self._data = []
        return whole
