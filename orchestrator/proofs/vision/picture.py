"""Pictures and a film that anyone can name, made of the standard library; pure."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]
RED, GREEN, BLUE = (220, 20, 20), (20, 160, 40), (20, 40, 220)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
DIGITS = {  # 5 by 7
    "3": ("11110", "00001", "00001", "01110", "00001", "00001", "11110"),
    "7": ("11111", "00001", "00010", "00100", "01000", "01000", "01000"),
}


@dataclass(frozen=True)
class Picture:
    """Rows of cells, each cell of one colour; `scale` pixels wide and high."""

    cells: tuple[tuple[Colour, ...], ...]
    scale: int = 16

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return len(self.cells[0]) * self.scale, len(self.cells) * self.scale

    def rows(self) -> Sequence[bytes]:
        """Pixels as red, green and blue, from the top."""
        lines = (b"".join(bytes(cell) * self.scale for cell in row) for row in self.cells)
        return [line for line in lines for _ in range(self.scale)]


def plain(colour: Colour) -> Picture:
    return Picture(((colour,) * 16,) * 16)


def digit(name: str) -> Picture:
    """Black on white, with a margin."""
    drawn = DIGITS[name]
    inside = [[BLACK if cell == "1" else WHITE for cell in row] for row in drawn]
    empty = [WHITE] * 9
    rows = [empty, empty, *([WHITE, WHITE, *row, WHITE, WHITE] for row in inside), empty, empty]
    return Picture(tuple(map(tuple, rows)), scale=32)


def png(picture: Picture) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", *picture.size, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in picture.rows()))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
