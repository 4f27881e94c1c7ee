"""How much a host may say: bytes of an answer and of a line. Knows nothing of SSH."""

ANSWER_LIMIT_BYTES = 64 << 20  # the headers of a model with 100,000 tensors are a fifth of it
LINE_LIMIT_BYTES = 16 << 20


class TooMuch(Exception):
    """A host said more than any program of ours does."""

    def __init__(self, limit_bytes: int, what: str) -> None:
        super().__init__(f"{what} of more than {limit_bytes >> 20} MiB")


class Output:
    """The bytes of an answer as they come. Raises TooMuch beyond the limit."""

    def __init__(self, limit_bytes: int = ANSWER_LIMIT_BYTES) -> None:
        self._limit, self._size = limit_bytes, 0
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise TooMuch(self._limit, "an answer")
        self._chunks.append(chunk)

    def text(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")


class LineSplitter:
    """Whole lines out of chunks, in linear time. Raises TooMuch for a line beyond the limit."""

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit, self._size = limit_bytes, 0
        self._begun: list[bytes] = []

    def add(self, chunk: bytes) -> list[str]:
        *ended, rest = chunk.split(b"\n")
        found = [self._whole(part) for part in ended]
        self._keep(rest)
        return found

    def rest(self) -> str:
        """What came after the last newline."""
        return self._whole(b"")

    def _whole(self, part: bytes) -> str:
        self._keep(part)
        line = b"".join(self._begun).decode(errors="replace")
        self._begun, self._size = [], 0
        return line

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise TooMuch(self._limit, "a line")
        self._begun.append(part)
